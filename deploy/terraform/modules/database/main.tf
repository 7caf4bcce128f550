# The database: Postgres over two zones, encrypted, with backups to any second of the last days. It
# holds the log, and is the one thing here that cannot be made anew.

variable "name" { type = string }
variable "size" {
  description = "Of sizes.tf: class, storage, connections, days of backups"
  type        = any
}
variable "subnets" { type = list(string) }
variable "group" { type = string }
variable "key_arn" { type = string }

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnets
}

resource "aws_db_parameter_group" "this" {
  name   = "${var.name}-18"
  family = "postgres18"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  # Not what RDS makes of the memory: the plan's tests prove that all programs fit.
  parameter {
    name         = "max_connections"
    value        = tostring(var.size.connections)
    apply_method = "pending-reboot"
  }
  # What takes longer than a second, without what it was asked with: no passwords and no people.
  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }
  parameter {
    name  = "log_parameter_max_length"
    value = "0"
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = toset(["postgresql", "upgrade"])
  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = 365
  kms_key_id        = var.key_arn
}

resource "aws_iam_role" "monitoring" {
  name = "${var.name}-database-monitoring"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_db_instance" "this" {
  identifier     = var.name
  engine         = "postgres"
  engine_version = "18"
  instance_class = var.size.class
  db_name        = "commerce"

  # The owner, as whom migrations run. RDS makes the password, keeps it as a secret and changes it.
  username                      = "commerce"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.key_arn

  storage_type          = "gp3"
  allocated_storage     = var.size.storage_gib
  max_allocated_storage = var.size.storage_max_gib
  storage_encrypted     = true
  kms_key_id            = var.key_arn

  # What was acknowledged is on disk in both zones.
  multi_az               = true
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [var.group]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.this.name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  # Any second of these days can be gone back to (README.md says how).
  backup_retention_period   = var.size.backup_days
  backup_window             = "02:00-03:00"
  maintenance_window        = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot     = true
  delete_automated_backups  = false
  deletion_protection       = true
  skip_final_snapshot       = false
  final_snapshot_identifier = "${var.name}-last"

  auto_minor_version_upgrade      = true
  apply_immediately               = false
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.key_arn
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy_attachment.monitoring]

  lifecycle {
    prevent_destroy = true
    # Grows by itself.
    ignore_changes = [allocated_storage]
  }
}

output "host" { value = aws_db_instance.this.address }
output "owner_secret" { value = aws_db_instance.this.master_user_secret[0].secret_arn }
