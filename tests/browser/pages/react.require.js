/**
 * React is published as CommonJS only. This is all that its files need to run in a page as they are: `PACKAGES`, which the
 * tests put before this, has a function of (require, module, exports) by name.
 */
const process = { env: { NODE_ENV: "development" } };
const required = {};

function require(name) {
  if (required[name] === undefined) {
    const module = (required[name] = { exports: {} });
    PACKAGES[name](require, module, module.exports);
  }
  return required[name].exports;
}
