# The indexes of the tables: the tables make them, and the functions' rights name them.

locals {
  resource_index = "by-resource"
  # the secrets of customers by the id that encrypted objects name them by
  key_index         = "by-key"
  check_index       = "by-check"
  name_index        = "by-name"
  customer_index    = "by-customer"
  email_index       = "by-email"
  undelivered_index = "by-undelivered"
}
