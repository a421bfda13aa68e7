// restify 8 assigns a method `closed` to requests; since version 18, Node.js has a property of that name that
// cannot be assigned to.
'use strict';

Object.defineProperty(require('http').IncomingMessage.prototype, 'closed', {
    value: undefined, writable: true, configurable: true, enumerable: false
});
