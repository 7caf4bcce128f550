# Who rolls out: a role that a forge's pipeline takes with a token of its own (OpenID Connect), so
# that no key of AWS lies anywhere. It may release, and change nothing else.

variable "name" { type = string }
variable "deployer" {
  description = "Whose tokens are taken (https://…), whom they name as their audience, and which subjects"
  type        = object({ issuer = string, audience = string, subjects = list(string) })
  validation {
    condition = startswith(var.deployer.issuer, "https://") && alltrue([
      for subject in var.deployer.subjects : !strcontains(subject, "*")
    ]) && length(var.deployer.subjects) > 0
    error_message = "deployer: an https issuer, and subjects without stars, or anybody's pipeline could release."
  }
}
variable "policy" { type = any }
variable "state_bucket" { type = string }

resource "aws_iam_openid_connect_provider" "this" {
  url            = var.deployer.issuer
  client_id_list = [var.deployer.audience]
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-deployer"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.this.arn }
      Condition = { StringEquals = {
        "${trimprefix(var.deployer.issuer, "https://")}:aud" = [var.deployer.audience]
        "${trimprefix(var.deployer.issuer, "https://")}:sub" = var.deployer.subjects
      } }
    }]
  })
}

resource "aws_iam_role_policy" "release" {
  name   = "release"
  role   = aws_iam_role.this.id
  policy = jsonencode(var.policy)
}

# A release is written into Terraform's state, which holds no secrets.
resource "aws_iam_role_policy" "state" {
  name = "state"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:ListBucket"], Resource = ["arn:aws:s3:::${var.state_bucket}"] },
      {
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = ["arn:aws:s3:::${var.state_bucket}/${var.name}/*"]
      },
    ]
  })
}

output "role" { value = aws_iam_role.this.arn }
