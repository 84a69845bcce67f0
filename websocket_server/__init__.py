"""The gateway: takes images over WebSocket, puts them into RabbitMQ, brings each answer back to its client."""
