"""The same as makers.py, of what runs and of what the internet reaches."""

import base64
import json


def s3_bucket(world, given):
    world.client("s3").create_bucket(
        Bucket=given["bucket"], CreateBucketConfiguration={"LocationConstraint": world.region}
    )
    # What it is called at CloudFront and in policies.
    return {
        "id": given["bucket"],
        "arn": f"arn:aws:s3:::{given['bucket']}",
        "bucket_regional_domain_name": f"{given['bucket']}.s3.{world.region}.amazonaws.com",
    }


def s3_bucket_public_access_block(world, given):
    told = given.only(
        BlockPublicAcls="block_public_acls", BlockPublicPolicy="block_public_policy",
        IgnorePublicAcls="ignore_public_acls", RestrictPublicBuckets="restrict_public_buckets",
    )  # fmt: skip
    world.client("s3").put_public_access_block(Bucket=given["bucket"], PublicAccessBlockConfiguration=told)


def s3_bucket_server_side_encryption_configuration(world, given):
    default = given.block("rule")["apply_server_side_encryption_by_default"][0]
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": default["sse_algorithm"]}}]
    world.client("s3").put_bucket_encryption(
        Bucket=given["bucket"], ServerSideEncryptionConfiguration={"Rules": rules}
    )


def s3_bucket_versioning(world, given):
    status = given.block("versioning_configuration")["status"]
    world.client("s3").put_bucket_versioning(
        Bucket=given["bucket"], VersioningConfiguration={"Status": status}
    )


def s3_bucket_lifecycle_configuration(world, given):
    rule = given["rule"][0]
    told = {"ID": rule["id"], "Status": rule["status"], "Filter": {"Prefix": ""}}
    if rule["expiration"]:
        told["Expiration"] = {"Days": rule["expiration"][0]["days"]}
    if rule["noncurrent_version_expiration"]:
        days = rule["noncurrent_version_expiration"][0]["noncurrent_days"]
        told["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    world.client("s3").put_bucket_lifecycle_configuration(
        Bucket=given["bucket"], LifecycleConfiguration={"Rules": [told]}
    )


def s3_bucket_policy(world, given):
    world.client("s3").put_bucket_policy(Bucket=given["bucket"], Policy=given["policy"])


def acm_certificate(world, given):
    told = given.only(
        DomainName="domain_name", ValidationMethod="validation_method",
        SubjectAlternativeNames="subject_alternative_names",
    )  # fmt: skip
    return {"arn": world.client("acm", given.get("region")).request_certificate(**told)["CertificateArn"]}


def lb(world, given):
    client = world.client("elbv2")
    made = client.create_load_balancer(
        Name=given["name"], Subnets=given["subnets"], SecurityGroups=given["security_groups"],
        Scheme="internal" if given["internal"] else "internet-facing", Type=given["load_balancer_type"],
    )["LoadBalancers"][0]  # fmt: skip
    attributes = {
        "routing.http.drop_invalid_header_fields.enabled": given["drop_invalid_header_fields"],
        "routing.http.xff_header_processing.mode": given["xff_header_processing_mode"],
        "idle_timeout.timeout_seconds": given["idle_timeout"],
        "deletion_protection.enabled": given["enable_deletion_protection"],
    }
    client.modify_load_balancer_attributes(
        LoadBalancerArn=made["LoadBalancerArn"],
        Attributes=[{"Key": key, "Value": str(value).lower()} for key, value in attributes.items()],
    )
    return {"arn": made["LoadBalancerArn"], "dns_name": made["DNSName"]}


def lb_target_group(world, given):
    health = given.block("health_check")
    made = world.client("elbv2").create_target_group(
        Name=given["name"], VpcId=given["vpc_id"], TargetType=given["target_type"],
        Protocol=given["protocol"], Port=given["port"], HealthCheckProtocol=health["protocol"],
        HealthCheckPort=health["port"], HealthCheckPath=health["path"], Matcher={"HttpCode": health["matcher"]},
        HealthCheckIntervalSeconds=health["interval"], HealthCheckTimeoutSeconds=health["timeout"],
        HealthyThresholdCount=health["healthy_threshold"],
        UnhealthyThresholdCount=health["unhealthy_threshold"],
    )["TargetGroups"][0]  # fmt: skip
    return {"arn": made["TargetGroupArn"]}


def lb_listener(world, given):
    told = given.only(Port="port", Protocol="protocol")
    if given["protocol"] == "HTTPS":
        told |= {"Certificates": [{"CertificateArn": given["certificate_arn"]}], "SslPolicy": given["ssl_policy"]}
    action = given.block("default_action")
    told["DefaultActions"] = [{"Type": action["type"]}]
    if action["type"] == "redirect":
        redirect = action.block("redirect")
        told["DefaultActions"][0]["RedirectConfig"] = redirect.only(
            Protocol="protocol", Port="port", StatusCode="status_code"
        )
    else:
        fixed = action.block("fixed_response")
        told["DefaultActions"][0]["FixedResponseConfig"] = fixed.only(
            ContentType="content_type", StatusCode="status_code"
        )
    made = world.client("elbv2").create_listener(LoadBalancerArn=given["load_balancer_arn"], **told)
    return {"arn": made["Listeners"][0]["ListenerArn"]}


def lb_listener_rule(world, given):
    hosts = given.block("condition").block("host_header")["values"]
    world.client("elbv2").create_rule(
        ListenerArn=given["listener_arn"], Priority=given["priority"],
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": hosts}}],
        Actions=[{"Type": "forward", "TargetGroupArn": given.block("action")["target_group_arn"]}],
    )  # fmt: skip


def wafv2_web_acl(world, given):
    made = world.client("wafv2").create_web_acl(
        Name=given["name"], Scope=given["scope"], DefaultAction={"Allow": {}},
        Rules=json.loads(given["rule_json"]),
        VisibilityConfig={"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"},
    )["Summary"]  # fmt: skip
    return {"arn": made["ARN"]}


def wafv2_web_acl_association(world, given):
    world.client("wafv2").associate_web_acl(WebACLArn=given["web_acl_arn"], ResourceArn=given["resource_arn"])


def service_discovery_private_dns_namespace(world, given):
    client = world.client("servicediscovery")
    client.create_private_dns_namespace(Name=given["name"], Vpc=given["vpc"])
    return {"id": client.list_namespaces()["Namespaces"][0]["Id"]}


def service_discovery_service(world, given):
    dns = given.block("dns_config")
    records = [{"Type": one["type"], "TTL": one["ttl"]} for one in dns["dns_records"]]
    made = world.client("servicediscovery").create_service(
        Name=given["name"], DnsConfig={"NamespaceId": dns["namespace_id"], "DnsRecords": records}
    )["Service"]
    return {"arn": made["Arn"]}


def launch_template(world, given):
    metadata = given.block("metadata_options")
    disk = given.block("block_device_mappings")
    volume = disk.block("ebs")
    assert b"ECS_CLUSTER=" in base64.b64decode(given["user_data"])
    made = world.client("ec2").create_launch_template(
        LaunchTemplateName=given["name"],
        LaunchTemplateData={
            # The stand-in has no images of Amazon's.
            "ImageId": "ami-12c6146b",
            "InstanceType": given["instance_type"],
            "IamInstanceProfile": {"Arn": given.block("iam_instance_profile")["arn"]},
            "SecurityGroupIds": given["vpc_security_group_ids"],
            "UserData": given["user_data"],
            "MetadataOptions": metadata.only(
                HttpEndpoint="http_endpoint", HttpTokens="http_tokens",
                HttpPutResponseHopLimit="http_put_response_hop_limit",
            ),
            "BlockDeviceMappings": [
                {
                    "DeviceName": disk["device_name"],
                    "Ebs": volume.only(VolumeType="volume_type", VolumeSize="volume_size")
                    | {"Encrypted": volume["encrypted"] in (True, "true")},
                }
            ],
        },
    )["LaunchTemplate"]  # fmt: skip
    return {"id": made["LaunchTemplateId"], "latest_version": "1"}


def autoscaling_group(world, given):
    client = world.client("autoscaling")
    template = given.block("launch_template")
    client.create_auto_scaling_group(
        AutoScalingGroupName=given["name"], MinSize=given["min_size"], MaxSize=given["max_size"],
        VPCZoneIdentifier=",".join(given["vpc_zone_identifier"]),
        LaunchTemplate={"LaunchTemplateId": template["id"], "Version": "$Latest"},
    )  # fmt: skip
    found = client.describe_auto_scaling_groups(AutoScalingGroupNames=[given["name"]])
    return {"arn": found["AutoScalingGroups"][0]["AutoScalingGroupARN"]}


def ecs_capacity_provider(world, given):
    group = given.block("auto_scaling_group_provider")
    world.client("ecs").create_capacity_provider(
        name=given["name"],
        autoScalingGroupProvider={
            "autoScalingGroupArn": group["auto_scaling_group_arn"],
            "managedTerminationProtection": group["managed_termination_protection"],
            "managedScaling": {"status": group.block("managed_scaling")["status"]},
        },
    )


def ecs_cluster(world, given):
    settings = [{"name": one["name"], "value": one["value"]} for one in given["setting"]]
    world.client("ecs").create_cluster(clusterName=given["name"], settings=settings)


def ecs_cluster_capacity_providers(world, given):
    world.client("ecs").put_cluster_capacity_providers(
        cluster=given["cluster_name"], capacityProviders=given["capacity_providers"],
        defaultCapacityProviderStrategy=[],
    )  # fmt: skip


def ecs_task_definition(world, given):
    told = given.only(
        family="family", requiresCompatibilities="requires_compatibilities", networkMode="network_mode",
        cpu="cpu", memory="memory", executionRoleArn="execution_role_arn",
    )  # fmt: skip
    volumes = [
        {"name": one["name"], "host": {"sourcePath": one["host_path"]}} for one in given.get("volume", [])
    ]
    platform = given.block("runtime_platform")
    made = world.client("ecs").register_task_definition(
        containerDefinitions=json.loads(given["container_definitions"]), volumes=volumes,
        runtimePlatform=platform.only(
            cpuArchitecture="cpu_architecture", operatingSystemFamily="operating_system_family"
        ),
        **told,
    )  # fmt: skip
    return {"arn": made["taskDefinition"]["taskDefinitionArn"]}


def ecs_service(world, given):
    network = given.block("network_configuration")
    told = given.only(
        cluster="cluster", serviceName="name", taskDefinition="task_definition", desiredCount="desired_count",
    )  # fmt: skip
    strategy = given.block("capacity_provider_strategy")
    if strategy:
        told["capacityProviderStrategy"] = [{"capacityProvider": strategy["capacity_provider"], "weight": 1}]
    else:
        told["launchType"] = given["launch_type"]
    balanced = given.block("load_balancer")
    if balanced:
        told["loadBalancers"] = [
            balanced.only(
                targetGroupArn="target_group_arn", containerName="container_name", containerPort="container_port"
            )
        ]
    found = given.block("service_registries")
    if found:
        told["serviceRegistries"] = [{"registryArn": found["registry_arn"]}]
    breaker = given.block("deployment_circuit_breaker")
    world.client("ecs").create_service(
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": network["subnets"],
                "securityGroups": network["security_groups"],
                "assignPublicIp": "ENABLED" if network.get("assign_public_ip") else "DISABLED",
            }
        },
        deploymentConfiguration={
            "minimumHealthyPercent": given["deployment_minimum_healthy_percent"],
            "maximumPercent": given["deployment_maximum_percent"],
            "deploymentCircuitBreaker": breaker.only(enable="enable", rollback="rollback"),
        },
        availabilityZoneRebalancing=given["availability_zone_rebalancing"],
        **told,
    )


def appautoscaling_target(world, given):
    world.client("application-autoscaling").register_scalable_target(
        **given.only(
            ServiceNamespace="service_namespace", ResourceId="resource_id", MinCapacity="min_capacity",
            ScalableDimension="scalable_dimension", MaxCapacity="max_capacity",
        )
    )  # fmt: skip


def appautoscaling_policy(world, given):
    told = given.block("target_tracking_scaling_policy_configuration")
    metric = told.block("predefined_metric_specification")
    world.client("application-autoscaling").put_scaling_policy(
        PolicyName=given["name"], PolicyType=given["policy_type"], ServiceNamespace=given["service_namespace"],
        ResourceId=given["resource_id"], ScalableDimension=given["scalable_dimension"],
        TargetTrackingScalingPolicyConfiguration=told.only(
            TargetValue="target_value", ScaleOutCooldown="scale_out_cooldown", ScaleInCooldown="scale_in_cooldown"
        )
        | {"PredefinedMetricSpecification": {"PredefinedMetricType": metric["predefined_metric_type"]}},
    )  # fmt: skip
