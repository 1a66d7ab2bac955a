// Replaces the package `debug`, which wasi-js loads but guest threads do not need.
module.exports = () => () => {};
