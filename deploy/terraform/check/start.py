"""Starts the real programs with exactly what the definitions of Terraform's tasks say, beside a
Postgres as RDS is (its owner no superuser, nobody in without TLS, a certificate that only the given
authority vouches for), and asks them: whether they are well, whom they let in, what they refuse.

    terraform test -json -verbose -filter=tests/whole.tftest.hcl > whole.json
    unshare -n -m --propagation private python3 check/start.py whole.json small

as root, for a network and a table of hosts of its own. PROGRAMS_BIN is the folder of the programs,
POSTGRES_BIN that of Postgres, NATS_BIN and MEILI_BIN are those programs.
"""

import base64
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from replay import state

HERE = "10.40.0.9"
HOSTS = f"127.0.0.1 localhost\n{HERE} database.example nats.shop.internal meilisearch.shop.internal\n"
HEALTHCHECK = pathlib.Path(__file__).resolve().parents[2] / "healthcheck"
SERVICES = ("projector", "command-api", "query-api", "reactor")
WRONG = []


def check(holds, says):
    print("ok  " if holds else "NOT ", says)
    if not holds:
        WRONG.append(says)


def sh(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Place:
    """A network with the names that the definitions use, certificates, and what runs."""

    def __init__(self, folder, resources):
        self.folder = folder
        self.running = []
        sh("ip", "link", "set", "lo", "up")
        sh("ip", "address", "add", f"{HERE}/32", "dev", "lo")
        (folder / "hosts").write_text(HOSTS)
        sh("mount", "--bind", folder / "hosts", "/etc/hosts")
        self.certificates()
        self.owner = secrets.token_hex(32)
        self.tasks, self.names, kinds = {}, {}, {}
        for one in resources:
            told = one["values"]
            if one["type"] == "aws_ecs_task_definition":
                container = json.loads(told["container_definitions"])[0]
                self.tasks[container["name"]] = container
            if one["type"] == "aws_secretsmanager_secret":
                name = told["name"].split("/")[1]
                self.names[told["arn"]] = name
                kinds[name] = told["description"].split(": ")[1]
        # As deploy.sh makes them.
        base = {"base64": lambda: base64.b64encode(secrets.token_bytes(32)).decode()}
        self.values = {name: base.get(kind, lambda: secrets.token_hex(32))() for name, kind in kinds.items()}
        password = self.values["nats"]
        self.values |= {
            "nats:password": password,
            "nats:url": f"nats://commerce:{password}@nats.shop.internal:4222",
        }

    def certificates(self):
        key, request = self.folder / "key.pem", self.folder / "request.pem"
        new = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
        sh("openssl", "req", "-x509", *new, "-keyout", self.folder / "ca.key", "-out", self.folder / "ca.pem",
           "-subj", "/CN=authority")  # fmt: skip
        sh("openssl", "req", *new[:3], "-keyout", key, "-out", request, "-subj", "/CN=database.example")
        (self.folder / "names").write_text("subjectAltName=DNS:database.example\n")
        sh("openssl", "x509", "-req", "-in", request, "-CA", self.folder / "ca.pem", "-CAkey",
           self.folder / "ca.key", "-CAcreateserial", "-out", self.folder / "cert.pem", "-days", "2",
           "-extfile", self.folder / "names")  # fmt: skip
        for file in (key, self.folder / "cert.pem"):
            shutil.chown(file, "postgres")
            file.chmod(0o600)
        self.authority = (self.folder / "ca.pem").read_text()

    def secret(self, place):
        """What stands where a definition says, as ECS would put it."""
        if place.startswith("arn:") and place.endswith(":password::"):
            return self.owner
        for arn, name in self.names.items():
            if place == arn:
                return self.values[name]
            if place.startswith(arn + ":"):
                return self.values[f"{name}:{place[len(arn) + 1 :].removesuffix('::')}"]
        raise KeyError(place)

    def environment(self, name):
        told = {"PATH": f"{os.environ['PROGRAMS_BIN']}:/usr/bin:/bin"}
        for one in self.tasks[name].get("environment", []):
            # The tests have a certificate of no use.
            is_authority = one["value"].startswith("-----BEGIN CERTIFICATE")
            told[one["name"]] = self.authority if is_authority else one["value"]
        return told | {one["name"]: self.secret(one["valueFrom"]) for one in self.tasks[name].get("secrets", [])}

    def start(self, name, command, environment):
        log = (self.folder / f"{name}.log").open("w")
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.folder)
        self.running.append((name, process))

    def once(self, name, command=None, **changed):
        return subprocess.run(
            command or self.tasks[name]["command"], env=self.environment(name) | changed,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def stop(self):
        for name, process in reversed(self.running):
            process.terminate()
            began = time.monotonic()
            code = process.wait(timeout=60)
            if name in SERVICES:
                check(code == 0, f"{name} ended in order, after {time.monotonic() - began:.0f} s")


def servers(place):
    postgres, data = pathlib.Path(os.environ["POSTGRES_BIN"]), place.folder / "postgres"
    as_postgres = ("/usr/sbin/runuser", "-u", "postgres", "--")
    data.mkdir()
    shutil.chown(data, "postgres")
    sh(*as_postgres, postgres / "initdb", "-D", data, "-A", "peer")
    (data / "pg_hba.conf").write_text("local all postgres peer\nhostssl all all 0.0.0.0/0 scram-sha-256\n")
    options = {
        "listen_addresses": HERE, "ssl": "on", "ssl_cert_file": place.folder / "cert.pem",
        "ssl_key_file": place.folder / "key.pem", "max_connections": 400, "unix_socket_directories": data,
    }  # fmt: skip
    told = [f"-c{name}={value}" for name, value in options.items()]
    place.start("postgres", [*as_postgres, postgres / "postgres", "-D", data, *told], None)
    time.sleep(4)
    psql = (*as_postgres, "psql", "-h", data, "-c")
    sh(*psql, f"CREATE ROLE commerce LOGIN CREATEROLE CREATEDB PASSWORD '{place.owner}'")
    sh(*psql, "CREATE DATABASE commerce OWNER commerce")
    nats = [word.replace("/data", str(place.folder)) for word in place.tasks["nats"]["command"]]
    nats = [word.replace("nats-server", os.environ["NATS_BIN"], 1) for word in nats]
    place.start("nats", nats, place.environment("nats"))
    place.start(
        "meilisearch", [os.environ["MEILI_BIN"], "--http-addr", "0.0.0.0:7700"],
        place.environment("meilisearch") | {"MEILI_DB_PATH": str(place.folder / "meilisearch")},
    )  # fmt: skip


def answer(url, token=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=9).status
    except urllib.error.HTTPError as refused:
        return refused.code


def judge(place):
    for name in ("nats", "meilisearch"):
        health = place.tasks[name]["healthCheck"]["command"][1:]
        check(subprocess.run(health).returncode == 0, f"{name} is well, by its own health check")
    for name in SERVICES:
        said = place.once(name, ["bash", str(HEALTHCHECK)])
        check(said.returncode == 0, f"{name} is well, by its own health check")
    token = place.values["api-token"]
    for what, url in {
        "command-api": "8080/v1/staff", "query-api": "8081/v1/sales", "projector": "8082/admin/projections",
    }.items():  # fmt: skip
        found = answer(f"http://{HERE}:{url}"), answer(f"http://{HERE}:{url}", token)
        check(found == (401, 200), f"{what} asks a stranger for a token, and lets the owner in")
    check(answer(f"http://{HERE}:8081/v1/search?q=x") == 200, "anybody may search")
    found = answer(f"http://{HERE}:8080/metrics"), answer(f"http://{HERE}:9080/metrics")
    check(found == (404, 200), "metrics are on the port for operations alone")
    for setting, value in {
        "RATE_LIMIT": "0", "STRICT_RATE_LIMIT": "0", "STAFF_TOTP": "optional", "PROXIES": "0", "SANDBOX": "true",
        "MASTER_KEY": "", "TRUSTED_NETWORK": "false", "PGPASSWORD": "",
    }.items():  # fmt: skip
        elsewhere = {"LISTEN": "0.0.0.0:18080", "OPS_LISTEN": "0.0.0.0:19080"}
        said = place.once("command-api", **elsewhere, **{setting: value})
        why = (said.stderr.strip().splitlines() or [""])[0]
        check(said.returncode == 1 and "EXPOSED" in why, f"with {setting}={value} it does not start")
    other = place.folder / "other.pem"
    sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-out", other,
       "-subj", "/CN=other")  # fmt: skip
    said = place.once("by-hand", PGSSLROOTCERT=other.read_text())
    check("UnknownIssuer" in said.stderr, "a Postgres that another authority vouches for is not believed")


def main():
    file, run = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, open(file, encoding="utf-8") as lines:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        place = Place(folder, state(lines, run))
        try:
            servers(place)
            check(place.once("by-hand").returncode == 0, "the migrations run as an owner who is no superuser")
            check(place.once("logins").returncode == 0, "each program has a login")
            key = place.once("by-hand", ["command-api", "index-key"]).stdout
            place.values["index-key"] = [line for line in key.splitlines() if not line.startswith("{")][-1]
            for name in SERVICES:
                place.start(name, place.tasks[name]["command"], place.environment(name))
            time.sleep(15)
            judge(place)
        finally:
            place.stop()
    if WRONG:
        sys.exit(f"{len(WRONG)} of what must hold does not")


if __name__ == "__main__":
    main()
