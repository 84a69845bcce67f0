"""The OCR server: a pool of processes that take images from RabbitMQ, read them with Tesseract and answer."""
