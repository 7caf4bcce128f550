# What is worth waking somebody for, as far as AWS sees it. What the programs themselves know (how far
# a projection is behind, what is parked) is in deploy/prometheus/alerts.yml, for a Prometheus that
# reaches their ports for operations.

variable "name" { type = string }
variable "emails" { type = set(string) }
variable "key_arn" { type = string }
variable "database" {
  description = "Its identifier, memory and storage in GiB, and most connections"
  type        = object({ id = string, memory_gib = number, storage_gib = number, connections = number })
}
variable "balancer" {
  description = "What CloudWatch calls the load balancer and its targets"
  type        = object({ balancer = string, targets = map(string) })
}
variable "services" {
  description = "Service to the fewest tasks that it has, of what runs on Fargate"
  type        = map(number)
}
variable "servers" {
  description = "NATS and Meilisearch"
  type        = set(string)
}

locals {
  gib      = 1073741824
  database = { DBInstanceIdentifier = var.database.id }

  # Breaching: what is not told is a fault too.
  alarms = merge(
    {
      "database-cpu" = {
        space = "AWS/RDS", metric = "CPUUtilization", of = local.database, stat = "Average"
        above = 80, minutes = 10, missing = "breaching", says = "Postgres has no time left"
      }
      "database-storage" = {
        space = "AWS/RDS", metric = "FreeStorageSpace", of = local.database, stat = "Minimum"
        below = 0.1 * var.database.storage_gib * local.gib, minutes = 5, missing = "breaching"
        says  = "Postgres has a tenth of its first storage left: it grows by itself, up to a bound"
      }
      "database-memory" = {
        space = "AWS/RDS", metric = "FreeableMemory", of = local.database, stat = "Minimum"
        below = 0.05 * var.database.memory_gib * local.gib, minutes = 10, missing = "breaching"
        says  = "Postgres has no memory left"
      }
      "database-connections" = {
        space = "AWS/RDS", metric = "DatabaseConnections", of = local.database, stat = "Maximum"
        above = 0.9 * var.database.connections, minutes = 5, missing = "breaching"
        says  = "Postgres takes hardly more connections"
      }
      "balancer-errors" = {
        space = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", of = { LoadBalancer = var.balancer.balancer }
        stat  = "Sum", above = 10, minutes = 5, missing = "notBreaching", says = "the load balancer has nobody to ask"
      }
    },
    { for name, target in var.balancer.targets : "${name}-errors" => {
      space = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count"
      of    = { LoadBalancer = var.balancer.balancer, TargetGroup = target }
      stat  = "Sum", above = 20, minutes = 5, missing = "notBreaching", says = "${name} answers with errors"
    } },
    { for name, target in var.balancer.targets : "${name}-slow" => {
      space = "AWS/ApplicationELB", metric = "TargetResponseTime"
      of    = { LoadBalancer = var.balancer.balancer, TargetGroup = target }
      stat  = "p95", above = 1, minutes = 5, missing = "notBreaching", says = "${name} takes more than a second"
    } },
    { for name, target in var.balancer.targets : "${name}-ready" => {
      space = "AWS/ApplicationELB", metric = "HealthyHostCount"
      of    = { LoadBalancer = var.balancer.balancer, TargetGroup = target }
      stat  = "Minimum", below = 1, minutes = 2, missing = "breaching", says = "nobody is ready to answer for ${name}"
    } },
    { for name, tasks in merge(var.services, { for server in var.servers : server => 1 }) : "${name}-tasks" => {
      space = "ECS/ContainerInsights", metric = "RunningTaskCount", of = { ClusterName = var.name, ServiceName = name }
      stat  = "Minimum", below = tasks, minutes = 10, missing = "breaching", says = "fewer tasks of ${name} run than should"
    } },
    { for name in concat(keys(var.services), tolist(var.servers)) : "${name}-memory" => {
      space = "AWS/ECS", metric = "MemoryUtilization", of = { ClusterName = var.name, ServiceName = name }
      stat  = "Maximum", above = 90, minutes = 10, missing = "notBreaching", says = "${name} has hardly any memory left"
    } },
  )
}

resource "aws_sns_topic" "this" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.key_arn
}

# Each has to say yes to the mail that comes.
resource "aws_sns_topic_subscription" "email" {
  for_each  = var.emails
  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = each.value.space
  metric_name         = each.value.metric
  dimensions          = each.value.of
  statistic           = startswith(each.value.stat, "p") ? null : each.value.stat
  extended_statistic  = startswith(each.value.stat, "p") ? each.value.stat : null
  comparison_operator = can(each.value.above) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]
}

output "topic" { value = aws_sns_topic.this.arn }
