# One image for all three services; which one it is, its command says (docker-compose.yml).
# The layers are ordered by how seldom they change: a change of the code repeats only the last COPY.
FROM python:3.13-slim-trixie

RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      tesseract-ocr tesseract-ocr-osd tesseract-ocr-fra tesseract-ocr-deu tesseract-ocr-chi-tra tesseract-ocr-chi-sim \
 && rm -rf /var/lib/apt/lists/*

ENV PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/opt/online-ocr/bin:$PATH
RUN python -m venv /opt/online-ocr
WORKDIR /app

# The dependencies alone, from where they are declared, in the versions that are tested. Without HEIC photos:
# docker-compose build --build-arg EXTRAS=
ARG EXTRAS=photos
COPY pyproject.toml constraints.txt ./
RUN python -c "import sys, tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
      extras = [project['optional-dependencies'][name] for name in sys.argv[1:]]; \
      print(*project['dependencies'], *sum(extras, []), sep='\n')" $EXTRAS \
      > /tmp/requirements.txt \
 && python -m pip install --requirement /tmp/requirements.txt --constraint constraints.txt \
 && rm /tmp/requirements.txt

# Volumes that are mounted on these folders take over their owner.
RUN useradd --system --no-create-home --uid 10001 ocr \
 && mkdir -p /secrets/broker /secrets/gateway /secrets/ocr_server \
 && chown -R ocr /secrets \
 && chmod 700 /secrets/gateway /secrets/ocr_server
USER ocr

COPY protocol protocol
COPY settings settings
COPY client client
COPY websocket_server websocket_server
COPY ocr_server ocr_server
COPY script/broker_definitions.py script/
