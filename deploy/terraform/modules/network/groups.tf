# Security groups: one for each group of the plan, and for each of its flows the two rules that let
# it out here and in there.

locals {
  flows = { for flow in var.plan.flows : "${flow.from} to ${flow.to}, ${flow.port}" => flow }
}

resource "aws_security_group" "this" {
  for_each    = toset(var.plan.groups)
  name        = "${var.name}-${each.key}"
  description = each.key
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each                     = { for name, flow in local.flows : name => flow if flow.from != "internet" }
  security_group_id            = aws_security_group.this[each.value.from].id
  description                  = each.value.why
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = each.value.to == "internet" ? "0.0.0.0/0" : null
  referenced_security_group_id = each.value.to == "internet" ? null : aws_security_group.this[each.value.to].id
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each                     = { for name, flow in local.flows : name => flow if flow.to != "internet" }
  security_group_id            = aws_security_group.this[each.value.to].id
  description                  = each.value.why
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = each.value.from == "internet" ? "0.0.0.0/0" : null
  referenced_security_group_id = each.value.from == "internet" ? null : aws_security_group.this[each.value.from].id
}
