"""The part of S3's REST API that copying, listing and removing objects takes, in memory.

One bucket, `tales`. `environment` leads the official SDK here, as it would to any S3-compatible
storage.
"""

import hashlib
from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.emulators.http import Answer, HttpServer, Request

BUCKET = "tales"
KEY = "an-access-key"


class S3Emulator(HttpServer):
    """`objects` are bytes by key; what it was not given the right key for, it refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}

    def environment(self) -> dict[str, str]:
        """Environment variables of the official SDK."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def put(self, key: str, body: bytes) -> None:
        """An object appears, or takes the place of another, all at once."""
        self.objects[key] = body

    async def answer(self, request: Request) -> Answer:
        if f"Credential={KEY}/" not in request.headers.get("authorization", ""):
            return _error(403, "InvalidAccessKeyId")
        bucket, _, key = unquote(request.path).lstrip("/").partition("/")
        if bucket != BUCKET:
            return _error(404, "NoSuchBucket")
        match request.method:
            case "PUT":
                return self._put(request, key)
            case "DELETE":
                self.objects.pop(key, None)
                return Answer(204)
            case "POST":
                return self._delete(request)
            case "GET" if not key:
                return self._list(request.query)
            case "HEAD" if not key:
                return Answer(200)
        if key not in self.objects:
            return Answer(404) if request.method == "HEAD" else _error(404, "NoSuchKey")
        body, headers = self.objects[key], _head(self.objects[key])
        if request.method == "HEAD":
            return Answer(200, b"", headers | {"content-length": str(len(body))})
        return Answer(200, body, headers)

    def _put(self, request: Request, key: str) -> Answer:
        source = unquote(request.headers.get("x-amz-copy-source", "")).removeprefix("/")
        if not source:
            self.put(key, request.body)
            return Answer(200, b"", _head(request.body))
        body = self.objects[source.removeprefix(f"{BUCKET}/")]
        self.put(key, body)
        return _xml(f"<CopyObjectResult><ETag>{_etag(body)}</ETag></CopyObjectResult>")

    def _delete(self, request: Request) -> Answer:
        for node in ElementTree.fromstring(request.body).iter():  # noqa: S314
            if node.tag.endswith("Key"):
                self.objects.pop(node.text or "", None)
        return _xml("<DeleteResult></DeleteResult>")

    def _list(self, query: Mapping[str, str]) -> Answer:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        cut = {key: key[len(prefix) :].partition(delimiter) for key in keys} if delimiter else {}
        folders = sorted({prefix + cut[key][0] + delimiter for key in cut if cut[key][1]})
        found = [key for key in keys if not (key in cut and cut[key][1])]
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key])}</Size>"
            f"<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in found
        ) + "".join(
            f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
            for folder in folders
        )
        count = len(found) + len(folders)
        return _xml(
            f"<ListBucketResult><Name>{BUCKET}</Name><KeyCount>{count}</KeyCount>"
            f"<IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        )


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _head(body: bytes) -> dict[str, str]:
    return {"etag": _etag(body), "last-modified": formatdate(usegmt=True)}


def _xml(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), {"content-type": "application/xml"})


def _error(status: int, code: str) -> Answer:
    return _xml(f"<Error><Code>{code}</Code><Message>{code}</Message></Error>", status)
