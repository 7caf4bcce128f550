# The edge: the load balancer that ends TLS for the two APIs, each by a name of its own, their
# certificate, and what is written down of who asked. What stands before it is in firewall.tf.

variable "name" { type = string }
variable "zone_id" {
  description = "Route 53's zone of the domain"
  type        = string
}
variable "programs" {
  description = "Those with a host: their ports and hosts, as services.tf of the plan has them"
  type        = any
}
variable "vpc_id" { type = string }
variable "subnets" { type = list(string) }
variable "group" { type = string }
variable "account" { type = string }
variable "web_requests_max" {
  description = "Requests of one address in five minutes"
  type        = number
}
variable "key_arn" { type = string }

locals {
  hosts = { for name, program in var.programs : name => program.host }
}

# The certificate, which renews itself while its records stand.

resource "aws_acm_certificate" "this" {
  domain_name               = local.hosts["command-api"]
  subject_alternative_names = [for name, host in local.hosts : host if name != "command-api"]
  validation_method         = "DNS"
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "proof" {
  # By host, which is known beforehand.
  for_each = local.hosts
  zone_id  = var.zone_id
  name     = one([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_name if option.domain_name == each.value])
  type     = one([for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_type if option.domain_name == each.value])
  records  = [for option in aws_acm_certificate.this.domain_validation_options : option.resource_record_value if option.domain_name == each.value]
  ttl      = 300
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [for record in aws_route53_record.proof : record.fqdn]
}

# The load balancer.

resource "aws_lb" "this" {
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.subnets
  security_groups            = [var.group]
  drop_invalid_header_fields = true
  enable_deletion_protection = true
  # Shorter than the 75 s after which a program ends a connection that has nothing under way, or
  # requests would meet its end; who follows something hears a heartbeat every 15 s.
  idle_timeout = 60
  # What callers put there stays, and the address is added at its end: PROXIES=1 believes that alone.
  xff_header_processing_mode = "append"

  access_logs {
    bucket  = aws_s3_bucket.logs.id
    enabled = true
  }
  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_lb_target_group" "this" {
  for_each    = var.programs
  name        = "${var.name}-${each.key}"
  vpc_id      = var.vpc_id
  target_type = "ip"
  protocol    = "HTTP"
  port        = each.value.port
  # Until a task that is told to end is asked nothing more.
  deregistration_delay = 30

  # Readiness, on the port that the internet does not reach. Ten failures: longer than a failover of
  # the database takes, or ECS would put tasks away that only wait for it.
  health_check {
    protocol            = "HTTP"
    port                = tostring(each.value.ops_port)
    path                = "/ready"
    matcher             = "200"
    interval            = 30
    timeout             = 10
    healthy_threshold   = 2
    unhealthy_threshold = 10
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.this.certificate_arn

  # Who asks for no name of ours.
  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "this" {
  for_each     = var.programs
  listener_arn = aws_lb_listener.https.arn
  priority     = each.value.port
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }
  condition {
    host_header {
      values = [each.value.host]
    }
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80
  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_route53_record" "this" {
  for_each = local.hosts
  zone_id  = var.zone_id
  name     = each.value
  type     = "A"
  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = false
  }
}

# Who asked, for a year.

resource "aws_s3_bucket" "logs" {
  bucket = "${var.name}-edge-logs-${var.account}"
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# The load balancer writes with no other key than S3's own.
resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    id     = "a-year"
    status = "Enabled"
    filter {}
    expiration {
      days = 365
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Write", Effect = "Allow", Action = "s3:PutObject"
        Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
        Resource  = "${aws_s3_bucket.logs.arn}/AWSLogs/${var.account}/*"
      },
      {
        Sid       = "Encrypted", Effect = "Deny", Action = "s3:*", Principal = "*"
        Resource  = [aws_s3_bucket.logs.arn, "${aws_s3_bucket.logs.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
  depends_on = [aws_s3_bucket_public_access_block.logs]
}

output "target_groups" { value = { for name, group in aws_lb_target_group.this : name => group.arn } }
output "dimensions" {
  description = "What CloudWatch calls them"
  value = {
    balancer = aws_lb.this.arn_suffix
    targets  = { for name, group in aws_lb_target_group.this : name => group.arn_suffix }
  }
}
