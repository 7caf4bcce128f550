# The registry: a place for the image of the programs, and for a copy of each image that they need
# beside them, so that nothing is fetched from elsewhere when a task starts.

variable "name" { type = string }
variable "images" { type = set(string) }
variable "key_arn" { type = string }

resource "aws_ecr_repository" "this" {
  for_each             = setunion(var.images, ["programs"])
  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.key_arn
  }
}

# Of the programs' images there are as many as anybody would roll back to.
resource "aws_ecr_lifecycle_policy" "programs" {
  repository = aws_ecr_repository.this["programs"].name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "the last 30"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 30 }
      action       = { type = "expire" }
    }]
  })
}

output "urls" { value = { for name, repository in aws_ecr_repository.this : name => repository.repository_url } }
