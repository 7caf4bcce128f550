"""Asks a shop through its front, as strangers do, whether the front does what it is for.

    python3 front.py HTTPS_URL HTTP_URL TOKEN FOLDER_OF_ACME
"""

import base64
import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

TLS, PLAIN, TOKEN, ACME = sys.argv[1:5]
HOST, PORT = TLS.split("//")[1].split(":")[0], int(TLS.rsplit(":", 1)[1])
WANTED_HEADERS = (
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "content-security-policy",
)
WRONG = []
# Its certificate is one that it made itself.
CONTEXT = ssl._create_unverified_context()


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(
    Stay, urllib.request.HTTPSHandler(context=CONTEXT), urllib.request.ProxyHandler({})
)


def check(says, holds, told=""):
    print("ok  " if holds else "NOT ", says, told)
    if not holds:
        WRONG.append(says)


def ask(url, method="GET", body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        answer = OPENER.open(request, timeout=20)
    except urllib.error.HTTPError as refused:
        answer = refused
    return answer.status, answer.headers, answer.read()


def status(url, *rest, **headers):
    return ask(url, *rest, **headers)[0]


def shake(version, ciphers="ALL:@SECLEVEL=0"):
    context = ssl._create_unverified_context()
    context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        with socket.create_connection((HOST, PORT), timeout=5) as plain:
            spoken = context.wrap_socket(plain, server_hostname="localhost")
            return spoken.version(), spoken.cipher()[0], spoken.selected_alpn_protocol()
    except (ssl.SSLError, OSError):
        return None


def tls():
    version = ssl.TLSVersion
    check("TLS 1.0 and 1.1 are refused", not shake(version.TLSv1) and not shake(version.TLSv1_1))
    old = shake(version.TLSv1_2)
    check("TLS 1.2 with forward secrecy", old and "ECDHE" in old[1] and old[2] == "h2", old)
    new = shake(version.TLSv1_3)
    check("TLS 1.3 with HTTP/2", new and new[0] == "TLSv1.3" and new[2] == "h2", new)
    weak = "AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"
    check("ciphers of CBC are refused", not shake(version.TLSv1_2, weak))


def plainly():
    told, headers, _ = ask(PLAIN + "/a?b=c")
    place = headers.get("location", "")
    leads = place.startswith("https://") and place.endswith("/a?b=c")
    check("pages are sent to TLS", told == 308 and leads, place)
    for path in ("/v1/orders", "/read/v1/orders"):
        check(f"an API is refused: {path}", status(PLAIN + path) == 403)
    proof = pathlib.Path(ACME, ".well-known/acme-challenge/proof")
    proof.parent.mkdir(parents=True, exist_ok=True)
    proof.write_text("proof")
    told, _, body = ask(f"{PLAIN}/.well-known/acme-challenge/proof")
    check("who renews the certificate is answered", (told, body) == (200, b"proof"))


def paths():
    told, _, body = ask(TLS + "/")
    check("the shop's pages", told == 200 and b"Shop" in body)
    check("a path of the pages' own leads to them", status(TLS + "/some/page") == 200)
    for path in ("/", "/read/v1/products?limit=1", "/v1/nothing", "/assets/none.js"):
        told, headers, _ = ask(TLS + path)
        other = [name for name in WANTED_HEADERS if len(headers.get_all(name) or []) != 1]
        check(f"each header once: {path} ({told})", not other, other or "")
    for path in ("/metrics", "/health", "/read/metrics", "/read/health", "/admin/projections"):
        _, _, body = ask(TLS + path)
        inside = [word for word in (b"commerce_", b'"checks"', b"projection") if word in body]
        check(f"not reached: {path}", not inside, inside or "")
    for path in (
        *("/docs", "/openapi.json", "/.well-known/jwks.json", "/read/docs", "/read/docs.css"),
        *("/read/asyncapi.json", "/read/ready"),
    ):
        told = status(TLS + path)
        check(f"reached: {path}", told == 200, told)
    for kind in ("br", "gzip"):
        _, headers, _ = ask(f"{TLS}/read/v1/products?limit=50", accept_encoding=kind)
        check(f"packed: {kind}", headers.get("content-encoding") == kind)


def open_cart():
    name = str(uuid.uuid4())
    body = json.dumps({"id": name, "currency": "EUR"}).encode()
    told, headers, answer = ask(
        TLS + "/v1/carts", "POST", body, authorization=f"Bearer {TOKEN}",
        content_type="application/json", idempotency_key=name,
    )
    assert told == 201, (told, answer)
    return name, headers


def streams():
    _, headers = open_cart()
    check("a command, and where it is read", "/carts/" in headers.get("location", ""))
    connection = http.client.HTTPSConnection(HOST, PORT, context=CONTEXT, timeout=20)
    connection.request(
        "GET", "/read/v1/events?after=0",
        headers={
            "authorization": f"Bearer {TOKEN}", "accept": "text/event-stream",
            "accept-encoding": "br, gzip",
        },
    )
    answer = connection.getresponse()
    packed = answer.getheader("content-encoding")
    check("a live stream is not packed", answer.status == 200 and packed is None, packed or "")
    # What was before comes first; then one that is written while the stream is open.
    written = []
    threading.Timer(3, lambda: written.append(open_cart()[0])).start()
    came = False
    while not came:
        line = answer.fp.readline().decode()
        if not line:
            break
        came = bool(written) and written[0] in line
    check("what happens comes by it", came)
    connection.close()
    key = base64.b64encode(os.urandom(16)).decode()
    spoken = CONTEXT.wrap_socket(socket.create_connection((HOST, PORT), timeout=10))
    spoken.sendall(
        f"GET /read/v1/events/ws?after=0 HTTP/1.1\r\nHost: {HOST}:{PORT}\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
    )
    came = b""
    while b'"position"' not in came and len(came) < 65536:
        some = spoken.recv(65536)
        if not some:
            break
        came += some
    opened = came.startswith(b"HTTP/1.1 101") and b'"position"' in came
    check("a WebSocket passes through", opened, came[:30])


def flood(times, hands, *request, **headers):
    """How often each status came."""
    with concurrent.futures.ThreadPoolExecutor(hands) as pool:
        asked = [pool.submit(status, *request, **headers) for _ in range(times)]
        return collections.Counter(one.result() for one in asked)


def bounds():
    told = status(
        TLS + "/v1/carts", "POST", b"x" * (2 << 20),
        authorization=f"Bearer {TOKEN}", content_type="application/json",
    )
    check("a body of 2 MiB is refused", told == 413, told)
    guess = json.dumps({"email": "a@b.example", "password": "x"}).encode()
    told = flood(150, 20, TLS + "/v1/sessions", "POST", guess, content_type="application/json")
    check("guessing is bounded by address", told[429] > 0 and told[429] < 150, dict(told))


tls()
plainly()
paths()
streams()
bounds()
print(len(WRONG), "do not hold")
sys.exit(bool(WRONG))
