"""How each kind of resource is asked of AWS: a function a kind, named as Terraform names it, from the
arguments to what came of it. Only arguments that say something of the design are handed on.
"""


# Before what is named nowhere here.
ORDER = [
    "aws_kms_key", "aws_kms_alias", "aws_iam_role", "aws_iam_openid_connect_provider", "aws_cloudwatch_log_group",
    "aws_sns_topic", "aws_vpc", "aws_internet_gateway", "aws_subnet", "aws_eip", "aws_nat_gateway",
    "aws_route_table", "aws_network_acl", "aws_security_group", "aws_secretsmanager_secret",
    "aws_ecr_repository", "aws_db_subnet_group", "aws_db_parameter_group", "aws_s3_bucket",
    "aws_cloudfront_origin_access_control", "aws_acm_certificate", "aws_lb", "aws_lb_target_group",
    "aws_lb_listener", "aws_wafv2_web_acl", "aws_db_instance", "aws_iam_instance_profile", "aws_launch_template",
    "aws_autoscaling_group", "aws_ecs_capacity_provider", "aws_ecs_cluster",
    "aws_service_discovery_private_dns_namespace", "aws_service_discovery_service",
    "aws_ecs_task_definition", "aws_ecs_service", "aws_appautoscaling_target",
]  # fmt: skip


def kms_key(world, given):
    kms = world.client("kms")
    made = kms.create_key(Description=given["description"], Policy=given["policy"])["KeyMetadata"]
    kms.enable_key_rotation(KeyId=made["KeyId"])
    return {"arn": made["Arn"], "key_id": made["KeyId"]}


def kms_alias(world, given):
    world.client("kms").create_alias(AliasName=given["name"], TargetKeyId=given["target_key_id"])


def iam_role(world, given):
    made = world.client("iam").create_role(
        RoleName=given["name"], AssumeRolePolicyDocument=given["assume_role_policy"]
    )["Role"]
    return {"arn": made["Arn"], "id": made["RoleName"]}


def iam_role_policy(world, given):
    # The stand-in takes a question mark for nothing, and a dot for any character.
    document = given["policy"].replace("?", ".")
    world.client("iam").put_role_policy(
        RoleName=given["role"], PolicyName=given["name"], PolicyDocument=document
    )


def iam_role_policy_attachment(world, given):
    world.client("iam").attach_role_policy(RoleName=given["role"], PolicyArn=given["policy_arn"])


def iam_instance_profile(world, given):
    iam = world.client("iam")
    made = iam.create_instance_profile(InstanceProfileName=given["name"])["InstanceProfile"]
    iam.add_role_to_instance_profile(InstanceProfileName=given["name"], RoleName=given["role"])
    return {"arn": made["Arn"]}


def iam_openid_connect_provider(world, given):
    made = world.client("iam").create_open_id_connect_provider(
        Url=given["url"], ClientIDList=given["client_id_list"], ThumbprintList=[]
    )
    return {"arn": made["OpenIDConnectProviderArn"]}


def cloudwatch_log_group(world, given):
    logs = world.client("logs")
    logs.create_log_group(logGroupName=given["name"], kmsKeyId=given["kms_key_id"])
    logs.put_retention_policy(logGroupName=given["name"], retentionInDays=given["retention_in_days"])
    found = logs.describe_log_groups(logGroupNamePrefix=given["name"])["logGroups"][0]
    return {"arn": found["arn"].removesuffix(":*")}


def sns_topic(world, given):
    attributes = {"KmsMasterKeyId": given["kms_master_key_id"]}
    return {"arn": world.client("sns").create_topic(Name=given["name"], Attributes=attributes)["TopicArn"]}


def sns_topic_subscription(world, given):
    world.client("sns").subscribe(
        TopicArn=given["topic_arn"], Protocol=given["protocol"], Endpoint=given["endpoint"]
    )


def cloudwatch_metric_alarm(world, given):
    told = given.only(
        AlarmName="alarm_name", Namespace="namespace", MetricName="metric_name", Statistic="statistic",
        ExtendedStatistic="extended_statistic", ComparisonOperator="comparison_operator",
        Threshold="threshold", Period="period", EvaluationPeriods="evaluation_periods",
        TreatMissingData="treat_missing_data", AlarmActions="alarm_actions", OKActions="ok_actions",
    )  # fmt: skip
    told["Dimensions"] = [{"Name": name, "Value": value} for name, value in given["dimensions"].items()]
    world.client("cloudwatch").put_metric_alarm(**told)


def vpc(world, given):
    ec2 = world.client("ec2")
    made = ec2.create_vpc(CidrBlock=given["cidr_block"])["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=made, EnableDnsHostnames={"Value": given["enable_dns_hostnames"]})
    return {"id": made}


def named(kind, given):
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": given["tags"]["Name"]}]}]


def subnet(world, given):
    made = world.client("ec2").create_subnet(
        VpcId=given["vpc_id"], CidrBlock=given["cidr_block"], AvailabilityZone=given["availability_zone"],
        TagSpecifications=named("subnet", given),
    )  # fmt: skip
    return {"id": made["Subnet"]["SubnetId"]}


def internet_gateway(world, given):
    ec2 = world.client("ec2")
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=given["vpc_id"])
    return {"id": made}


def eip(world, given):
    return {"id": world.client("ec2").allocate_address(Domain=given["domain"])["AllocationId"]}


def nat_gateway(world, given):
    made = world.client("ec2").create_nat_gateway(
        SubnetId=given["subnet_id"], AllocationId=given["allocation_id"]
    )
    return {"id": made["NatGateway"]["NatGatewayId"]}


def route_table(world, given):
    made = world.client("ec2").create_route_table(VpcId=given["vpc_id"])
    return {"id": made["RouteTable"]["RouteTableId"]}


def route_table_association(world, given):
    world.client("ec2").associate_route_table(
        RouteTableId=given["route_table_id"], SubnetId=given["subnet_id"]
    )


def route(world, given):
    told = given.only(
        RouteTableId="route_table_id", DestinationCidrBlock="destination_cidr_block",
        GatewayId="gateway_id", NatGatewayId="nat_gateway_id",
    )  # fmt: skip
    world.client("ec2").create_route(**told)


def vpc_endpoint(world, given):
    world.client("ec2").create_vpc_endpoint(
        VpcId=given["vpc_id"], ServiceName=given["service_name"],
        VpcEndpointType=given["vpc_endpoint_type"], RouteTableIds=given["route_table_ids"],
    )  # fmt: skip


def network_acl(world, given):
    ec2 = world.client("ec2")
    made = ec2.create_network_acl(VpcId=given["vpc_id"])["NetworkAcl"]["NetworkAclId"]
    for subnet_id in given["subnet_ids"]:
        wanted = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
        before = ec2.describe_network_acls(Filters=wanted)["NetworkAcls"][0]["Associations"]
        old = next(one for one in before if one["SubnetId"] == subnet_id)["NetworkAclAssociationId"]
        ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=made)
    return {"id": made}


def network_acl_rule(world, given):
    world.client("ec2").create_network_acl_entry(
        NetworkAclId=given["network_acl_id"], RuleNumber=given["rule_number"], Egress=given["egress"],
        Protocol={"tcp": "6"}[given["protocol"]], RuleAction=given["rule_action"],
        CidrBlock=given["cidr_block"], PortRange={"From": given["from_port"], "To": given["to_port"]},
    )  # fmt: skip


def security_group(world, given):
    ec2 = world.client("ec2")
    made = ec2.create_security_group(
        GroupName=given["name"], Description=given["description"], VpcId=given["vpc_id"]
    )["GroupId"]
    # As Terraform's provider does: nothing goes out that no rule lets out.
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=made, IpPermissions=everything)
    return {"id": made}


def permission(given):
    ports = {"FromPort": given["from_port"], "ToPort": given["to_port"], "IpProtocol": given["ip_protocol"]}
    if "cidr_ipv4" in given:
        return [ports | {"IpRanges": [{"CidrIp": given["cidr_ipv4"]}]}]
    return [ports | {"UserIdGroupPairs": [{"GroupId": given["referenced_security_group_id"]}]}]


def vpc_security_group_egress_rule(world, given):
    world.client("ec2").authorize_security_group_egress(
        GroupId=given["security_group_id"], IpPermissions=permission(given)
    )


def vpc_security_group_ingress_rule(world, given):
    world.client("ec2").authorize_security_group_ingress(
        GroupId=given["security_group_id"], IpPermissions=permission(given)
    )


def flow_log(world, given):
    world.client("ec2").create_flow_logs(
        ResourceIds=[given["vpc_id"]], ResourceType="VPC", TrafficType=given["traffic_type"],
        LogDestinationType="cloud-watch-logs", LogDestination=given["log_destination"],
        DeliverLogsPermissionArn=given["iam_role_arn"],
    )  # fmt: skip


def secretsmanager_secret(world, given):
    made = world.client("secretsmanager").create_secret(
        Name=given["name"], KmsKeyId=given["kms_key_id"], SecretString="made by hand"
    )
    return {"arn": made["ARN"]}


def ecr_repository(world, given):
    made = world.client("ecr").create_repository(
        repositoryName=given["name"], imageTagMutability=given["image_tag_mutability"],
        imageScanningConfiguration={"scanOnPush": given.block("image_scanning_configuration")["scan_on_push"]},
    )["repository"]  # fmt: skip
    return {"repository_url": made["repositoryUri"], "arn": made["repositoryArn"]}


def ecr_lifecycle_policy(world, given):
    world.client("ecr").put_lifecycle_policy(
        repositoryName=given["repository"], lifecyclePolicyText=given["policy"]
    )


def db_subnet_group(world, given):
    world.client("rds").create_db_subnet_group(
        DBSubnetGroupName=given["name"], DBSubnetGroupDescription="-", SubnetIds=given["subnet_ids"]
    )


def db_parameter_group(world, given):
    rds = world.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName=given["name"], DBParameterGroupFamily=given["family"], Description="-"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName=given["name"],
        Parameters=[
            {
                "ParameterName": one["name"],
                "ParameterValue": one["value"],
                "ApplyMethod": one["apply_method"] or "immediate",
            }
            for one in given["parameter"]
        ],
    )


def db_instance(world, given):
    rds = world.client("rds")
    told = given.only(
        DBInstanceIdentifier="identifier", Engine="engine", EngineVersion="engine_version",
        DBInstanceClass="instance_class", DBName="db_name", MasterUsername="username",
        ManageMasterUserPassword="manage_master_user_password", StorageType="storage_type",
        AllocatedStorage="allocated_storage", MaxAllocatedStorage="max_allocated_storage",
        StorageEncrypted="storage_encrypted", KmsKeyId="kms_key_id", MultiAZ="multi_az",
        DBSubnetGroupName="db_subnet_group_name", VpcSecurityGroupIds="vpc_security_group_ids",
        PubliclyAccessible="publicly_accessible", DBParameterGroupName="parameter_group_name",
        CACertificateIdentifier="ca_cert_identifier", BackupRetentionPeriod="backup_retention_period",
        PreferredBackupWindow="backup_window", PreferredMaintenanceWindow="maintenance_window",
        CopyTagsToSnapshot="copy_tags_to_snapshot", DeletionProtection="deletion_protection",
        EnablePerformanceInsights="performance_insights_enabled", MonitoringInterval="monitoring_interval",
        EnableCloudwatchLogsExports="enabled_cloudwatch_logs_exports",
        MonitoringRoleArn="monitoring_role_arn",
    )  # fmt: skip
    rds.create_db_instance(**told)
