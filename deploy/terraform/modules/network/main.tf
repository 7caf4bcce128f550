# The network: a VPC over two zones with public, private and data subnets, the ways out, flow logs,
# and a security group for each sort of thing that runs, opened as the plan says and no further.

variable "name" { type = string }
variable "cidr" { type = string }
variable "region" { type = string }
variable "plan" {
  description = "Outputs of modules/plan"
  type        = any
}
variable "key_arn" { type = string }

locals {
  public  = { for name, subnet in var.plan.subnets : name => subnet if subnet.tier == "public" }
  private = { for name, subnet in var.plan.subnets : name => subnet if subnet.tier == "private" }
  data    = { for name, subnet in var.plan.subnets : name => subnet if subnet.tier == "data" }
  # The last letter of a name is the zone's.
  zone_of = { for name, subnet in var.plan.subnets : name => split("-", name)[1] }
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

# The group that AWS makes by itself lets everybody in who is in it: nobody may be.
resource "aws_default_security_group" "none" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.name}-none" }
}

resource "aws_subnet" "this" {
  for_each                = var.plan.subnets
  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.value.zone
  cidr_block              = each.value.cidr
  map_public_ip_on_launch = false
  tags                    = { Name = "${var.name}-${each.key}" }
}

# Ways out.

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = var.name }
}

resource "aws_eip" "nat" {
  for_each = toset(var.plan.nat_zones)
  domain   = "vpc"
  tags     = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each      = toset(var.plan.nat_zones)
  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.this["public-${each.key}"].id
  tags          = { Name = "${var.name}-${each.key}" }
  depends_on    = [aws_internet_gateway.this]
}

# One table a subnet: the data subnets' have no way out at all.
resource "aws_route_table" "this" {
  for_each = var.plan.subnets
  vpc_id   = aws_vpc.this.id
  tags     = { Name = "${var.name}-${each.key}" }
}

resource "aws_route_table_association" "this" {
  for_each       = var.plan.subnets
  subnet_id      = aws_subnet.this[each.key].id
  route_table_id = aws_route_table.this[each.key].id
}

resource "aws_route" "public" {
  for_each               = local.public
  route_table_id         = aws_route_table.this[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route" "private" {
  for_each               = local.private
  route_table_id         = aws_route_table.this[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[var.plan.nat_of[local.zone_of[each.key]]].id
}

# Layers of images lie in S3: this way they cost no NAT.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for name, subnet in local.private : aws_route_table.this[name].id]
  tags              = { Name = "${var.name}-s3" }
}

# A second wall around the database, that no security group opens by mistake.
resource "aws_network_acl" "data" {
  vpc_id     = aws_vpc.this.id
  subnet_ids = [for name, subnet in local.data : aws_subnet.this[name].id]
  tags       = { Name = "${var.name}-data" }
}

resource "aws_network_acl_rule" "to_data" {
  for_each       = local.private
  network_acl_id = aws_network_acl.data.id
  rule_number    = 100 + index(keys(local.private), each.key)
  egress         = false
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = each.value.cidr
  from_port      = 5432
  to_port        = 5432
}

resource "aws_network_acl_rule" "from_data" {
  for_each       = local.private
  network_acl_id = aws_network_acl.data.id
  rule_number    = 100 + index(keys(local.private), each.key)
  egress         = true
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = each.value.cidr
  from_port      = 1024
  to_port        = 65535
}

# Who tried to reach whom.

resource "aws_cloudwatch_log_group" "flows" {
  name              = "/${var.name}/flows"
  retention_in_days = 365
  kms_key_id        = var.key_arn
}

resource "aws_iam_role" "flows" {
  name = "${var.name}-flows"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "flows" {
  name = "log"
  role = aws_iam_role.flows.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.flows.arn}:*"]
    }]
  })
}

resource "aws_flow_log" "this" {
  vpc_id          = aws_vpc.this.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flows.arn
  iam_role_arn    = aws_iam_role.flows.arn
  tags            = { Name = var.name }
}

output "vpc_id" { value = aws_vpc.this.id }
output "public_subnets" { value = [for name, subnet in local.public : aws_subnet.this[name].id] }
output "private_subnets" { value = [for name, subnet in local.private : aws_subnet.this[name].id] }
output "data_subnets" { value = [for name, subnet in local.data : aws_subnet.this[name].id] }
output "groups" { value = { for name, group in aws_security_group.this : name => group.id } }
