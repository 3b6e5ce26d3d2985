// The indexes of the ledger's table.

/** The communications of one order, customer or company location. */
export const RESOURCE_INDEX = 'by-resource';
/** Holds only communications whose channel is still to be asked what became of them. */
export const CHECK_INDEX = 'by-check';
