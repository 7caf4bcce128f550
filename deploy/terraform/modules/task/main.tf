# What a task is: an image with its command, settings and secrets, its log, and the role by which ECS
# starts it. The container itself has no role: it asks AWS for nothing.

variable "name" { type = string }
variable "shop" {
  description = "The name that everything begins with"
  type        = string
}
variable "region" { type = string }
variable "image" { type = string }
variable "command" {
  type    = list(string)
  default = null
}
variable "environment" { type = map(string) }
variable "secrets" {
  description = "Setting to where its value lies, as ECS takes it"
  type        = map(string)
}
variable "cpu" { type = number }
variable "memory" { type = number }
variable "port" {
  type    = number
  default = null
}
variable "health" {
  description = "Command that succeeds when it is well"
  type        = list(string)
  default     = null
}
variable "data" {
  description = "Folder whose content the machine keeps, for what runs on one of its own"
  type        = string
  default     = null
}
variable "writable" {
  description = "Whether it writes outside that folder"
  type        = bool
  default     = false
}
variable "stop_timeout" {
  type    = number
  default = 30
}
variable "policy" {
  description = "What the starting role may do"
  type        = any
}
variable "key_arn" { type = string }

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.shop}/${var.name}"
  retention_in_days = 365
  kms_key_id        = var.key_arn
}

resource "aws_iam_role" "start" {
  name = "${var.shop}-${var.name}-start"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "start" {
  name   = "start"
  role   = aws_iam_role.start.id
  policy = jsonencode(var.policy)
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.shop}-${var.name}"
  requires_compatibilities = [var.data == null ? "FARGATE" : "EC2"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.start.arn
  # Those of before are what a rollback goes to.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  dynamic "volume" {
    for_each = var.data == null ? [] : ["data"]
    content {
      name      = volume.value
      host_path = "/var/lib/${var.shop}"
    }
  }

  container_definitions = jsonencode([
    # Members that are null are left out, as AWS would.
    { for member, value in {
      name                   = var.name
      image                  = var.image
      essential              = true
      command                = var.command
      environment            = [for setting, value in var.environment : { name = setting, value = value }]
      secrets                = [for setting, place in var.secrets : { name = setting, valueFrom = place }]
      portMappings           = var.port == null ? null : [{ containerPort = var.port, hostPort = var.port, protocol = "tcp" }]
      mountPoints            = var.data == null ? null : [{ sourceVolume = "data", containerPath = var.data, readOnly = false }]
      readonlyRootFilesystem = !var.writable
      linuxParameters        = { initProcessEnabled = false, capabilities = var.data == null ? { drop = ["ALL"] } : {} }
      stopTimeout            = var.stop_timeout
      # Ten looks, half a minute apart: longer than a failover of the database takes, for a task that
      # waits for it is not well, and starting it anew would heal nothing.
      healthCheck = var.health == null ? null : {
        command = var.health, interval = 30, timeout = 5, retries = 10, startPeriod = 60
      }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = aws_cloudwatch_log_group.this.name
          "awslogs-region"        = var.region
          "awslogs-stream-prefix" = "task"
          # A program goes on when its log is not taken.
          mode              = "non-blocking"
          "max-buffer-size" = "8m"
        }
      }
    } : member => value if value != null }
  ])

  depends_on = [aws_iam_role_policy.start]
}

output "definition" { value = aws_ecs_task_definition.this.arn }
output "role" { value = aws_iam_role.start.arn }
output "log_group" { value = aws_cloudwatch_log_group.this.name }
