// Stands for the package `debug`, which wasi-js loads and guest threads have no use for.
module.exports = () => () => {};
