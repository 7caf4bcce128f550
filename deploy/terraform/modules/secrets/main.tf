# Places for secrets. They are empty when they are made: `deploy.sh secrets` fills them, so that no
# value is ever in Terraform's state.

variable "name" { type = string }
variable "secrets" {
  description = "Name to who makes it, as secrets.tf of the plan has it"
  type        = map(string)
}
variable "key_arn" { type = string }

resource "aws_secretsmanager_secret" "this" {
  for_each                = var.secrets
  name                    = "${var.name}/${each.key}"
  description             = "deploy.sh: ${each.value}"
  kms_key_id              = var.key_arn
  recovery_window_in_days = 7
}

output "arns" { value = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn } }
