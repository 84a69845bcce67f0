"""First bytes of image files; nothing in the client looks further."""

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
IMAGES = {
    "png": PNG,
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(28),
    "tiff": b"II*\x00" + bytes(28),
    "tiff, the other way round": b"MM\x00*" + bytes(28),
    "big tiff": b"II+\x00" + bytes(28),
    "webp": b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(16),
    "bmp": b"BM" + b"\x36\x10\x00\x00" + bytes(4) + b"\x36\x00\x00\x00" + b"\x28\x00\x00\x00" + bytes(14),
    "gif": b"GIF89a" + bytes(26),
    "heic": b"\x00\x00\x00\x24ftypheic\x00\x00\x00\x00mif1MiHEMiPr",
    "heic that says which at the end": b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic\x00\x00\x01\x5d",
    "avif": b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00avifmif1miafMA1B",
}
OTHERS = {
    "empty": b"",
    "text": b"Hello, world",
    "text that begins as BMP does": b"BMW is a maker of cars in Munich, Bavaria.",
    "sound in RIFF": b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(16),
    "film": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42" + bytes(8),
    "film of a telephone": b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + bytes(12),
    "cut off": b"\x89PN",
    "pdf": b"%PDF-1.7\n",
}
