# What deploy.sh and people go by.

output "release" { value = var.release }
output "hosts" { value = { for name, program in local.public : name => "https://${program.host}" } }
output "registry" { value = module.registry.urls }
output "images" { value = module.plan.images }
output "secrets" { value = module.plan.secrets }
output "nats_host" { value = "nats.${module.plan.inner}" }
output "media_bucket" { value = module.media.bucket }
output "deployer_role" { value = module.deployer.role }
output "cost" {
  description = "US dollars a month, roughly: modules/plan/cost.tf says of what"
  value       = module.plan.cost
}
output "by_hand" {
  description = "Where what is run by hand runs, and in which security group"
  value = {
    subnets = module.network.private_subnets
    # By what is run: a service's name, or by-hand and logins.
    groups = merge(
      { for name, service in module.plan.services : name => module.network.groups[service.program] },
      { for name in module.plan.owners : name => module.network.groups["by-hand"] },
    )
  }
}
