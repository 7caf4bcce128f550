"""What must hold of what was made, asked of the stand-in of AWS as anybody would ask AWS."""

import datetime
import json
import os
import sys

from botocore.exceptions import ClientError
from moto.core import set_initial_no_auth_action_count
from moto.secretsmanager.responses import SecretsManagerResponse

WRONG = []
# By itself the stand-in does not look at which secret a policy names.
SecretsManagerResponse._determine_resource = lambda request: request._get_param("SecretId")


def check(holds, says):
    print("ok  " if holds else "NOT ", says)
    if not holds:
        WRONG.append(says)


def judge(world):
    database(world)
    network(world)
    services(world)
    roles(world)
    if WRONG:
        sys.exit(f"{len(WRONG)} of what must hold does not")


def database(world):
    rds = world.client("rds")
    made = rds.describe_db_instances()["DBInstances"][0]
    zones = {one["SubnetAvailabilityZone"]["Name"] for one in made["DBSubnetGroup"]["Subnets"]}
    key = world.client("kms").describe_key(KeyId=made.get("KmsKeyId", "alias/aws/rds"))["KeyMetadata"]
    check(made["MultiAZ"] and len(zones) == 2, f"Postgres stands in two zones: {sorted(zones)}")
    check(made["StorageEncrypted"] and key["KeyManager"] == "CUSTOMER", "it is encrypted by the shop's key")
    check(not made["PubliclyAccessible"] and made["DeletionProtection"], "it is not public, nor deleted by mistake")
    check(made["BackupRetentionPeriod"] >= 7, f"it can be put back {made['BackupRetentionPeriod']} days")
    parameters = rds.describe_db_parameters(DBParameterGroupName=made["DBParameterGroups"][0]["DBParameterGroupName"])
    told = {one["ParameterName"]: one.get("ParameterValue") for one in parameters["Parameters"]}
    check(told.get("rds.force_ssl") == "1", "it speaks to nobody without TLS")
    again = rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=made["DBInstanceIdentifier"], TargetDBInstanceIdentifier="again",
        RestoreTime=datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5),
    )["DBInstance"]  # fmt: skip
    check(again["MultiAZ"] and again["StorageEncrypted"], "put back to five minutes ago, it is another such one")


def network(world):
    ec2 = world.client("ec2")
    tables = {
        association["SubnetId"]: table["Routes"]
        for table in ec2.describe_route_tables()["RouteTables"]
        for association in table["Associations"]
        if "SubnetId" in association
    }
    ways = {}
    for subnet in ec2.describe_subnets()["Subnets"]:
        name = next((tag["Value"] for tag in subnet.get("Tags", []) if tag["Key"] == "Name"), None)
        if name is None:
            continue
        routes = [one for one in tables[subnet["SubnetId"]] if one.get("DestinationCidrBlock") == "0.0.0.0/0"]
        way = "none" if not routes else "nat" if "NatGatewayId" in routes[0] else "internet"
        ways.setdefault(name.split("-")[-2], set()).add((way, subnet["AvailabilityZone"]))
    for tier, way in {"public": "internet", "private": "nat", "data": "none"}.items():
        found = ways[tier]
        check({one for one, _ in found} == {way} and len(found) == 2, f"{tier} subnets in two zones, way out: {way}")

    groups = {one["GroupId"]: one for one in ec2.describe_security_groups()["SecurityGroups"]}
    short = {id: one["GroupName"].split("-", 1)[-1] for id, one in groups.items()}

    def reached(group, port):
        """Who may come in at a port, and is let out to it."""
        found = set()
        for rule in group["IpPermissions"]:
            if rule["IpProtocol"] == "-1" or not rule["FromPort"] <= port <= rule["ToPort"]:
                continue
            if rule["IpRanges"]:
                found.add("internet")
            for pair in rule["UserIdGroupPairs"]:
                out = groups[pair["GroupId"]]["IpPermissionsEgress"]
                goes = any(
                    group["GroupId"] in [to["GroupId"] for to in one["UserIdGroupPairs"]]
                    and one["FromPort"] <= port <= one["ToPort"]
                    for one in out
                )
                found.add(short[pair["GroupId"]] if goes else f"{short[pair['GroupId']]} (not let out)")
        return found

    wanted = {
        ("database", 5432): {"command-api", "query-api", "projector", "reactor", "by-hand"},
        ("nats", 4222): {"command-api", "query-api", "projector"},
        ("meilisearch", 7700): {"query-api", "projector"},
        ("edge", 443): {"internet"},
        ("command-api", 8080): {"edge"},
        ("command-api", 9080): {"edge"},
        ("query-api", 8081): {"edge"},
        ("projector", 8082): set(),
        ("reactor", 8083): set(),
        ("nats", 8222): set(),
        ("database", 22): set(),
    }
    by_name = {name: groups[id] for id, name in short.items()}
    for (name, port), who in wanted.items():
        found = reached(by_name[name], port)
        check(found == who, f"{name}:{port} is reached by {', '.join(sorted(found)) or 'nobody'}")


def services(world):
    ecs = world.client("ecs")
    cluster = ecs.list_clusters()["clusterArns"][0]
    names = ecs.list_services(cluster=cluster, maxResults=100)["serviceArns"]
    for start in range(0, len(names), 10):
        for service in ecs.describe_services(cluster=cluster, services=names[start : start + 10])["services"]:
            definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
            container = definition["containerDefinitions"][0]
            plain = {one["name"] for one in container.get("environment", [])}
            hidden = {one["name"] for one in container.get("secrets", [])}
            secret = {"API_TOKEN", "MASTER_KEY", "PGPASSWORD", "NATS_URL", "MEILI_MASTER_KEY", "INDEX_KEY"}
            network = service["networkConfiguration"]["awsvpcConfiguration"]
            holds = (
                container["healthCheck"] and "taskRoleArn" not in definition
                and not plain & secret and not plain & hidden
                and network["assignPublicIp"] == "DISABLED" and len(network["subnets"]) == 2
            )  # fmt: skip
            check(holds, f"{service['serviceName']}: no role, no public address, secrets {sorted(hidden)}")
    rules = world.client("elbv2")
    balancer = rules.describe_load_balancers()["LoadBalancers"][0]
    assigned = world.client("wafv2").get_web_acl_for_resource(ResourceArn=balancer["LoadBalancerArn"])
    check(len(assigned["WebACL"]["Rules"]) == 4, "the firewall's four rules stand before the load balancer")


def roles(world):
    """Secrets as each role sees them: the stand-in goes by the policies from here on."""
    sts, iam = world.client("sts"), world.client("iam")
    secrets = {one["Name"]: one["ARN"] for one in world.client("secretsmanager").list_secrets()["SecretList"]}
    starting = iam.get_paginator("list_roles").paginate().build_full_result()["Roles"]
    starting = [one for one in starting if one["RoleName"].endswith("-start")]
    told = {}
    for role in starting:
        definition = role["RoleName"].split("-", 1)[1].removesuffix("-start")
        told[definition] = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="start")["Credentials"]
    seen = {definition: set() for definition in told}

    @set_initial_no_auth_action_count(0)
    def look():
        for definition, credentials in told.items():
            client = session(world, credentials)
            for name, arn in secrets.items():
                try:
                    client.get_secret_value(SecretId=arn)
                    seen[definition].add(name.split("/", 1)[-1])
                except ClientError as refused:
                    code = refused.response["Error"]["Code"]
                    if code not in ("403", "AccessDenied"):
                        raise

    look()
    for definition, found in sorted(seen.items()):
        check(len(found) in range(1, len(secrets)), f"{definition} starts with {', '.join(sorted(found))}")
    readers = {name for name, found in seen.items() if "master-key" in found}
    check(readers == {"command-api", "reactor", "by-hand"}, f"the master key is read by {', '.join(sorted(readers))}")


def session(world, credentials):
    import boto3

    return boto3.client(
        "secretsmanager", region_name=world.region, aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"], aws_session_token=credentials["SessionToken"],
    )  # fmt: skip
