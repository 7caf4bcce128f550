"""Puts the NetworkPolicies of a rendered overlay to all pairs of its pods, and prints who may talk
to whom. An arrow that is open at one end only is a fault, and so is a network that is open to begin
with.

    python3 arrows.py FILE
"""

import collections
import sys

import yaml

PODS_OF = ("Deployment", "StatefulSet", "Job")
FAULTS = []


def pods_of(documents):
    """The labels of each pod, and its ports by their names."""
    pods = {}
    for document in documents:
        kind, name, spec = document["kind"], document["metadata"]["name"], document.get("spec", {})
        if kind in PODS_OF:
            template = spec["template"]
            containers = template["spec"]["containers"]
            ports = [port for one in containers for port in one.get("ports", [])]
            named = {port["name"]: port["containerPort"] for port in ports}
            pods[name] = (template["metadata"]["labels"], named)
        elif kind == "Cluster":
            pods["postgres"] = (spec["inheritedMetadata"]["labels"], {})
        elif kind == "Pooler":
            pods["postgres-pooler"] = (spec["template"]["metadata"]["labels"], {})
    return pods


def selects(selector, labels):
    for told in selector.get("matchExpressions", []):
        assert told["operator"] == "In", "no other is known here"
        if labels.get(told["key"]) not in told["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


class Network:
    def __init__(self, documents):
        self.pods = pods_of(documents)
        specs = [one["spec"] for one in documents if one["kind"] == "NetworkPolicy"]
        shut = [spec for spec in specs if spec["podSelector"] == {}]
        if not any(
            set(spec["policyTypes"]) == {"Ingress", "Egress"}
            and not spec.get("ingress")
            and not spec.get("egress")
            for spec in shut
        ):
            FAULTS.append("the network is not shut to begin with")
        self.specs = [spec for spec in specs if spec["podSelector"] != {}]

    def rules(self, name, way):
        labels, _ = self.pods[name]
        for spec in self.specs:
            if selects(spec["podSelector"], labels):
                yield from spec.get(way, [])

    def number(self, port, name):
        return self.pods[name][1].get(port, port)

    def lets_in(self, to, sender, port):
        labels, _ = self.pods[sender]
        return any(
            selects(peer["podSelector"], labels)
            for rule in self.rules(to, "ingress")
            for peer in rule.get("from", [])
            if "podSelector" in peer and "namespaceSelector" not in peer
            if any(self.number(one["port"], to) == port for one in rule.get("ports", []))
        )

    def leaving(self, name):
        """The arrows that begin there: to whom, by which ports."""
        for rule in self.rules(name, "egress"):
            ports = [port["port"] for port in rule.get("ports", [])]
            if "to" not in rule:
                yield "anywhere", tuple(ports)
                continue
            for peer in rule["to"]:
                if "ipBlock" in peer:
                    yield "the internet", tuple(ports)
                elif "namespaceSelector" in peer:
                    yield "a namespace", tuple(ports)
                else:
                    yield from self.to_pods(name, peer["podSelector"], ports)

    def to_pods(self, name, selector, ports):
        for other, (labels, _) in self.pods.items():
            for port in ports if selects(selector, labels) else []:
                if not self.lets_in(other, name, self.number(port, other)):
                    FAULTS.append(f"{name} goes to {other}:{port} and is not let in there")
                yield other, (self.number(port, other),)

    def coming(self, name, arrows):
        """The arrows that end there and begin outside, and faults where nobody begins one."""
        for rule in self.rules(name, "ingress"):
            ports = tuple(self.number(port["port"], name) for port in rule.get("ports", []))
            for peer in rule.get("from", []):
                if "namespaceSelector" in peer:
                    labels = peer["namespaceSelector"]["matchLabels"]
                    yield "namespace " + labels["kubernetes.io/metadata.name"], ports
                    continue
                senders = {sender for sender, to, _ in arrows if to == name}
                selected = [
                    one for one, (its, _) in self.pods.items() if selects(peer["podSelector"], its)
                ]
                if not senders.intersection(selected):
                    FAULTS.append(f"{name} lets in {peer['podSelector']}, and none goes there")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        network = Network([document for document in yaml.safe_load_all(file) if document])
    arrows = {(name, to, ports) for name in network.pods for to, ports in network.leaving(name)}
    arrows |= {
        (sender, name, ports)
        for name in network.pods
        for sender, ports in network.coming(name, arrows)
    }
    told = collections.defaultdict(set)
    for sender, to, ports in arrows:
        one = lambda name: "projector" if name.startswith("projector") else name
        told[one(sender), " ".join(map(str, ports))].add(one(to))
    for (sender, ports), to in sorted(told.items()):
        print(f"{sender} -> {', '.join(sorted(to))}: {ports}")
    for fault in FAULTS:
        print("FAULT:", fault)
    print(f"{len(arrows)} arrows, {len(FAULTS)} wrong")
    sys.exit(bool(FAULTS))


main()
