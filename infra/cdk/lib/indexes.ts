// The indexes of the tables.

/** The communications of one order, customer or company location. */
export const RESOURCE_INDEX = 'by-resource';
/** Holds only communications whose channel is still to be asked what became of them. */
export const CHECK_INDEX = 'by-check';
/** The secrets of customers by the id that encrypted objects name them by. */
export const KEY_INDEX = 'by-key';
/** By what a person calls it, such as an order's name. */
export const NAME_INDEX = 'by-name';
/** The communications for a customer, by the customer's keyed hash. */
export const CUSTOMER_INDEX = 'by-customer';
/** The communications whose recipient has an e-mail address, by its keyed hash. */
export const EMAIL_INDEX = 'by-email';
/** Holds only what failed, was suppressed, came back or is unknown. */
export const UNDELIVERED_INDEX = 'by-undelivered';
