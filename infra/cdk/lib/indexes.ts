// The indexes of the tables.

/** The communications of one order, customer or company location. */
export const RESOURCE_INDEX = 'by-resource';
/** Holds only communications whose channel is still to be asked what became of them. */
export const CHECK_INDEX = 'by-check';
/** The secrets of customers by the id that encrypted objects name them by. */
export const KEY_INDEX = 'by-key';
