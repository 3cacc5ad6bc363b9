// A server and a client of Node.js 0.8 and 0.10, with the OpenSSL 1.0.0 and 1.0.1 inside: what nothing newer speaks any more.
// The client writes the master secret down as the old form of a key log has it, by its session's id.
var tls = require("tls"), fs = require("fs"), constants = require("constants");
var words = process.argv.slice(2), port = +words[1];

function der(bytes, at) {  // [tag, begin, end] of the value at a place
  var size = bytes[at + 1], begin = at + 2;
  if (size & 0x80) {
    var count = size & 0x7f;
    for (size = 0; count--; begin++) size = size * 256 + bytes[begin];
  }
  return [bytes[at], begin, begin + size];
}

function secrets(session) {  // the session id and the master secret of an SSL_SESSION
  var bytes = typeof session === "string" ? new Buffer(session, "binary") : session, parts = [];
  for (var at = der(bytes, 0)[1]; at < bytes.length;) {
    var value = der(bytes, at);
    if (value[0] === 4) parts.push(bytes.slice(value[1], value[2]).toString("hex"));
    at = value[2];
  }
  return [parts[1], parts[2]];
}

if (words[0] === "serve") {
  var read = function (end) { return fs.readFileSync(words[4] + end); };
  tls.createServer({key: read(".key"), cert: read(".pem"), ciphers: words[3], secureProtocol: words[2] + "_method",
                    secureOptions: constants.SSL_OP_NO_TICKET}, function (client) {
    client.on("data", function (data) { client.write(data); });
    client.on("error", function () {});
  }).listen(port, "127.0.0.1");
} else {
  var client = tls.connect({port: port, host: "127.0.0.1", secureProtocol: words[2] + "_method", ciphers: words[3],
                            rejectUnauthorized: false}, function () {
    var raw = client.getSession ? client.getSession() : client.pair.ssl.getSession(), found = secrets(raw);
    fs.appendFileSync(words[4], "RSA Session-ID:" + found[0] + " Master-Key:" + found[1] + "\n");
    client.write("hello\n");
  });
  client.on("data", function () { client.end(); });
  client.on("error", function (error) { console.log(error.message); });
  client.on("close", function () { process.exit(); });
  setTimeout(function () { process.exit(1); }, 3000);
}
