"""Proves the stand-ins by the gateways' own clients: what these ask, the stand-ins understand, and
what the stand-ins answer, these can read.

    python3 -m venv V && V/bin/pip install -r proof/gateways/clients/requirements.txt
    cargo build -p gateways
    V/bin/python proof/gateways/clients/prove.py target/debug/gateway-stand-in

Not part of `cargo xtask test`, for the clients are 76 MB of Python. With PAYPAL_SCHEMAS, a folder
with PayPal's OpenAPI files checkout_orders_v2.json and payments_payment_v2.json, every body that
its client sent is judged by them too. With STRIPE_CLI, Stripe's program `stripe` (npm @stripe/cli),
its own fixtures are played, too.
"""

import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.request

import proof_paypal
import proof_stripe


TRIGGERED = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.amount_capturable_updated",
    "charge.captured",
    "charge.refunded",
]


class Ear(http.server.BaseHTTPRequestHandler):
    """Hears webhooks; the first of each is refused, so that it has to come again."""

    heard = []
    refused = set()
    lock = threading.Lock()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        event = json.loads(body)["id"]
        with Ear.lock:
            again = event in Ear.refused
            Ear.refused.add(event)
            if again:
                Ear.heard.append((dict(self.headers), body))
        self.send_response(200 if again else 503)
        self.end_headers()

    def log_message(self, *_):
        pass


def start(program, gateway, ear):
    """A stand-in on a port of its own."""
    process = subprocess.Popen(
        [program, gateway, "--webhook-url", f"http://127.0.0.1:{ear}/"],
        stderr=subprocess.PIPE,
        text=True,
    )
    address = process.stderr.readline().strip().removeprefix("listening on ")
    return process, f"http://{address}"


def control(base, path, body):
    """Directs the play."""
    request = urllib.request.Request(
        f"{base}/_control/{path}", json.dumps(body).encode(), method="POST"
    )
    return json.load(urllib.request.urlopen(request))


def trigger(base):
    """Stripe's own fixtures, played by its own program."""
    program = os.environ.get("STRIPE_CLI")
    for event in TRIGGERED if program else []:
        command = [program, "trigger", event, "--api-key", "sk_test_stand_in", "--api-base", base]
        quiet = {**os.environ, "STRIPE_CLI_TELEMETRY_OPTOUT": "1"}
        played = subprocess.run(command, env=quiet, capture_output=True, text=True)
        assert "Trigger succeeded" in played.stdout + played.stderr, (event, played.stderr)
    return len(TRIGGERED) if program else 0


def main():
    program = sys.argv[1]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ear = server.server_address[1]
    for gateway, proof in [("stripe", proof_stripe), ("paypal", proof_paypal)]:
        Ear.heard.clear()
        process, base = start(program, gateway, ear)
        try:
            checks = proof.prove(base, lambda path, body: control(base, path, body), Ear.heard)
            checks += trigger(base) if gateway == "stripe" else 0
        finally:
            process.kill()
            process.wait()
        print(f"{gateway}: {checks} checks hold")


if __name__ == "__main__":
    main()
