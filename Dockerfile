# One image, several commands: web, worker, sweep, migrate, render, doctor. docker-compose.yml starts them together.
ARG PYTHON=3.11

FROM node:24-slim AS viewer
WORKDIR /viewer
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --ignore-scripts

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/tessera
WORKDIR /build
# The dependencies change seldom, so they are a layer of their own.
COPY requirements/server.lock requirements/server.lock
RUN /opt/tessera/bin/python -m pip install --require-hashes --prefer-binary -r requirements/server.lock
COPY pyproject.toml README.md LICENSE ./
COPY models models
COPY worker worker
COPY web web
COPY --from=viewer /viewer/node_modules/openseadragon/LICENSE.txt \
    /viewer/node_modules/openseadragon/build/openseadragon/openseadragon.min.js web/static/vendor/openseadragon/
COPY cli cli
RUN /opt/tessera/bin/python -m pip install --no-deps --no-build-isolation .

FROM python:${PYTHON}-slim
RUN useradd --uid 10001 --create-home tessera \
    && install --directory --owner tessera --group tessera /srv/tessera
COPY --from=build /opt/tessera /opt/tessera
ENV PATH=/opt/tessera/bin:$PATH PYTHONUNBUFFERED=1
USER tessera
WORKDIR /home/tessera
EXPOSE 8000
ENTRYPOINT ["tessera"]
CMD ["web", "--bind=0.0.0.0:8000"]
