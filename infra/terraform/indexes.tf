# The indexes of the ledger's table: the table makes them, and the functions' rights name them.

locals {
  resource_index = "by-resource"
  check_index    = "by-check"
}
