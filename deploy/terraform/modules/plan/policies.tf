# Who may do what in AWS, with nothing that is not named here: no action and no resource of any
# policy is a bare star, but where AWS knows no resource for an action.
#
# The programs themselves ask AWS for nothing, so their tasks have no role at all.

locals {
  arn = {
    for service in ["ecs", "ecr", "iam", "kms", "logs", "secretsmanager"] :
    service => "arn:aws:${service}:${service == "iam" ? "" : var.region}:${var.account}"
  }
  # The shop's key by its alias, and only by way of Secrets Manager.
  by_secrets = {
    StringEquals               = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" }
    "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/${var.name}" }
  }
  # Who starts tasks of a definition, and so reads its secrets for it.
  definitions = merge(
    { for name, service in local.services : name => {
      repository = "programs", secrets = distinct(values(local.secrets_of[service.program]))
    } },
    { for name, server in local.servers : name => { repository = name, secrets = values(server.secrets) } },
    {
      by-hand = { repository = "programs", secrets = ["master-key"] }
      logins  = { repository = "postgres", secrets = [for login in local.login_names : "database-${login}"] }
    },
  )
  # Of those, who connects as the owner of the database; RDS makes that secret.
  owners = toset(["by-hand", "logins"])

  starting = {
    for name, definition in local.definitions : name => {
      Version = "2012-10-17"
      Statement = [
        # There is no resource to name for it.
        { Sid = "Registry", Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
        {
          Sid      = "Image", Effect = "Allow"
          Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
          Resource = ["${local.arn.ecr}:repository/${var.name}/${definition.repository}"]
        },
        {
          Sid      = "Log", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["${local.arn.logs}:log-group:/${var.name}/${name}:*"]
        },
        {
          Sid = "Secrets", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"]
          # Six characters that AWS puts behind a name.
          Resource = sort(distinct([
            for secret in definition.secrets :
            "${local.arn.secretsmanager}:secret:${var.name}/${split(":", secret)[0]}-??????"
          ]))
        },
        {
          Sid       = "Decrypt", Effect = "Allow", Action = ["kms:Decrypt"]
          Resource  = ["${local.arn.kms}:key/*"]
          Condition = local.by_secrets
        },
      ]
    }
  }

  # Releases: what `deploy.sh release` does, and nothing of the network, the database or the roles.
  deployer = {
    Version = "2012-10-17"
    Statement = [
      { Sid = "Registry", Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
      {
        Sid = "Images", Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload",
          "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = ["${local.arn.ecr}:repository/${var.name}/*"]
      },
      # Definitions are registered before they have a name that could be asked for.
      {
        Sid    = "Definitions", Effect = "Allow"
        Action = ["ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition"], Resource = ["*"]
      },
      {
        Sid = "Services", Effect = "Allow", Action = [
          "ecs:DescribeServiceDeployments", "ecs:DescribeServices", "ecs:ListServiceDeployments",
          "ecs:TagResource", "ecs:UpdateService",
        ]
        Resource = [
          "${local.arn.ecs}:service/${var.name}/*", "${local.arn.ecs}:service-deployment/${var.name}/*",
          "${local.arn.ecs}:task-definition/${var.name}-*:*",
        ]
      },
      {
        Sid = "ByHand", Effect = "Allow", Action = ["ecs:RunTask", "ecs:DescribeTasks"]
        Resource = [
          "${local.arn.ecs}:task-definition/${var.name}-*:*", "${local.arn.ecs}:task/${var.name}/*",
        ]
      },
      {
        Sid      = "Log", Effect = "Allow", Action = ["logs:GetLogEvents"]
        Resource = ["${local.arn.logs}:log-group:/${var.name}/*:log-stream:*"]
      },
      {
        Sid       = "Roles", Effect = "Allow", Action = ["iam:PassRole"]
        Resource  = ["${local.arn.iam}:role/${var.name}-*-start"]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ]
  }

  # Who may use the one key, by which the database, its backups, secrets and logs are encrypted.
  key = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Account", Effect = "Allow", Action = ["kms:*"], Resource = ["*"]
        Principal = { AWS = "${local.arn.iam}:root" }
      },
      {
        Sid       = "Logs", Effect = "Allow", Resource = ["*"]
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Condition = { ArnLike = {
          "kms:EncryptionContext:aws:logs:arn" = "${local.arn.logs}:log-group:*${var.name}*"
        } }
      },
      {
        Sid       = "Alarms", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey*"], Resource = ["*"]
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = var.account } }
      },
    ]
  }
}
