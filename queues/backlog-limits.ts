/** Records that the store refused, up to 4 MB each, must not fill the queue's server. */
export const MAX_SET_ASIDE = 100;
