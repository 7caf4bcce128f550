# The plan, for the modules that make it real and for what checks it without a cloud.

output "size" { value = local.size }
output "subnets" { value = local.subnets }
output "nat_zones" { value = local.nat_zones }
output "nat_of" { value = local.nat_of }
output "groups" { value = local.groups }
output "flows" { value = local.flows }
output "programs" { value = local.programs }
output "services" { value = local.services }
output "servers" { value = local.servers }
output "images" { value = local.images }
output "inner" { value = local.inner }
output "settings" { value = local.settings }
output "common" { value = local.common }
output "database_url" { value = local.database_url }
output "login_names" { value = local.login_names }
output "stop_timeout" { value = local.stop_timeout }
output "secrets" { value = local.secrets }
output "secrets_of" { value = local.secrets_of }
output "definitions" { value = local.definitions }
output "owners" { value = local.owners }
output "policies" {
  value = { starting = local.starting, deployer = local.deployer, key = local.key }
}
output "connections_most" { value = local.connections_most }
output "cost" { value = local.cost }
