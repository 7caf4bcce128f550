# A machine for a server that keeps data on a disk: NATS or Meilisearch. One EC2 machine in either
# zone, which is made anew where it dies; what was on it comes back from the log.

variable "name" { type = string }
variable "shop" { type = string }
variable "cluster" { type = string }
variable "instance" { type = string }
variable "disk_gib" { type = number }
variable "subnets" { type = list(string) }
variable "group" { type = string }

# Amazon's image for ECS, the newest when a machine is made.
locals {
  image = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
}

resource "aws_iam_role" "this" {
  name = "${var.shop}-${var.name}-machine"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "ecs" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.shop}-${var.name}-machine"
  role = aws_iam_role.this.name
}

resource "aws_launch_template" "this" {
  name                   = "${var.shop}-${var.name}"
  image_id               = local.image
  instance_type          = var.instance
  update_default_version = true

  iam_instance_profile {
    arn = aws_iam_instance_profile.this.arn
  }
  # The machine's own group; the task on it has the one that others know.
  vpc_security_group_ids = [var.group]
  # Version 2 only, and not for what runs in containers.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type           = "gp3"
      volume_size           = var.disk_gib
      encrypted             = true
      delete_on_termination = true
    }
  }
  user_data = base64encode(<<-EOT
    #!/bin/bash
    cat >> /etc/ecs/ecs.config <<'END'
    ECS_CLUSTER=${var.cluster}
    ECS_AWSVPC_BLOCK_IMDS=true
    ECS_CONTAINER_STOP_TIMEOUT=60s
    END
  EOT
  )
}

resource "aws_autoscaling_group" "this" {
  name                  = "${var.shop}-${var.name}"
  min_size              = 1
  max_size              = 1
  vpc_zone_identifier   = var.subnets
  health_check_type     = "EC2"
  protect_from_scale_in = false

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }
  # Another size, or another image: the old machine goes, then the new one comes.
  instance_refresh {
    strategy = "Rolling"
    preferences {
      min_healthy_percentage = 0
    }
  }
  tag {
    key                 = "Name"
    value               = "${var.shop}-${var.name}"
    propagate_at_launch = true
  }
  tag {
    key                 = "AmazonECSManaged"
    value               = ""
    propagate_at_launch = true
  }
}

resource "aws_ecs_capacity_provider" "this" {
  name = "${var.shop}-${var.name}"
  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.this.arn
    managed_termination_protection = "DISABLED"
    managed_scaling {
      status = "DISABLED"
    }
  }
}

output "capacity" { value = aws_ecs_capacity_provider.this.name }
