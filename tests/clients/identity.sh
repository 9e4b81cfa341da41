#!/usr/bin/env bash
# azure-identity judges the sign-in, over https: secret, certificate, federated token, device code.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

cat >"$run/certificate.cnf" <<CNF
[req]
distinguished_name = name
prompt = no
[name]
CN = graph-sim client
CNF
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -config "$run/certificate.cnf" \
    -keyout "$run/client.key" -out "$run/client.crt" 2>/dev/null
cat "$run/client.key" "$run/client.crt" >"$run/client.pem"
echo "an.other.issuer-$RANDOM$RANDOM" >"$run/federated.jwt"

serve() {
    simulate --tls "$run/tls" --certificate "$run/client.crt" --federated-token "$run/federated.jwt" "$@"
    "$home/bin/python" tests/clients/identity.py "$run" "${checks[@]}"
}

checks=(secret wrong_secret certificate federated device)
serve
checks=(device_declined)
serve --device declined
checks=(device_expired)
serve --device expired
