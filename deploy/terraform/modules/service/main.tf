# A service: tasks of one definition that ECS keeps running, more of them while they have much to do.

variable "name" { type = string }
variable "cluster" { type = string }
variable "definition" { type = string }
variable "tasks" {
  description = "At least, and at most"
  type        = list(number)
}
variable "subnets" { type = list(string) }
variable "group" { type = string }
variable "capacity" {
  description = "Capacity provider of a machine of its own; none for Fargate"
  type        = string
  default     = null
}
variable "balanced" {
  description = "Target group and port, for what the load balancer asks"
  type        = object({ target_group = string, port = number })
  default     = null
}
variable "registry" {
  description = "Of the name by which others find it"
  type        = string
  default     = null
}

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = var.cluster
  task_definition = var.definition
  desired_count   = var.tasks[0]
  launch_type     = var.capacity == null ? "FARGATE" : null
  propagate_tags  = "SERVICE"
  # AWS moves tasks to the zone that lacks them, where there may be two for a moment.
  availability_zone_rebalancing = var.capacity == null ? "ENABLED" : "DISABLED"

  # New tasks first, then the old ones go; on a machine of its own the old one has to go first, for
  # the data is one.
  deployment_minimum_healthy_percent = var.capacity == null ? 100 : 0
  deployment_maximum_percent         = var.capacity == null ? 200 : 100
  # A release is over when its tasks are ready, and one whose tasks do not become so is taken back.
  wait_for_steady_state = true
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  health_check_grace_period_seconds = var.balanced == null ? null : 90

  dynamic "capacity_provider_strategy" {
    for_each = var.capacity == null ? [] : [var.capacity]
    content {
      capacity_provider = capacity_provider_strategy.value
      weight            = 1
    }
  }

  network_configuration {
    subnets          = var.subnets
    security_groups  = [var.group]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = var.balanced == null ? [] : [var.balanced]
    content {
      target_group_arn = load_balancer.value.target_group
      container_name   = var.name
      container_port   = load_balancer.value.port
    }
  }

  dynamic "service_registries" {
    for_each = var.registry == null ? [] : [var.registry]
    content {
      registry_arn = service_registries.value
    }
  }

  lifecycle {
    # Autoscaling's.
    ignore_changes = [desired_count]
  }
}

# Only where there is a choice.
resource "aws_appautoscaling_target" "this" {
  count              = var.tasks[1] > var.tasks[0] ? 1 : 0
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster}/${aws_ecs_service.this.name}"
  min_capacity       = var.tasks[0]
  max_capacity       = var.tasks[1]
}

resource "aws_appautoscaling_policy" "cpu" {
  count              = length(aws_appautoscaling_target.this)
  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 60
    scale_in_cooldown  = 300
    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
