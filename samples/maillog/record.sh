#!/bin/sh
# Records postfix.pcap, postfix-sender.log and postfix-receiver.log: two real Postfix in network namespaces. Needs root.
# The first mail goes in the clear and is delivered through a slow filter, the second is refused, the third is encrypted.
set -e
here=$(cd "$(dirname "$0")" && pwd)
base=/tmp/maillog-sample
rm -rf "$base" && mkdir -p "$base" && cd "$base" && chmod 755 .
trap 'ip netns del mail-a; ip netns del mail-b' EXIT
ip netns add mail-a
ip netns add mail-b
ip link add maila0 netns mail-a type veth peer name mailb0 netns mail-b
ip -n mail-a addr add 192.0.2.10/24 dev maila0
ip -n mail-b addr add 192.0.2.25/24 dev mailb0
for side in a b; do ip -n mail-$side link set mail${side}0 up; ip -n mail-$side link set lo up; done

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=mx.example.org 2> /dev/null
printf '#!/bin/sh\nsleep 6\ncat > /dev/null\n' > filter && chmod 755 filter
for side in a b; do
    mkdir -p $side/conf $side/queue $side/data && chown postfix $side/data && : > $side/conf/main.cf
    sed 's/^\([a-z][a-z-]*  *[a-z]*  *[-yn]  *[-yn]  *\)y /\1n /' /etc/postfix/master.cf > $side/conf/master.cf
    postconf -c $side/conf -e compatibility_level=3.6 queue_directory=$base/$side/queue data_directory=$base/$side/data \
        maillog_file=$base/$side/mail.log maillog_file_prefixes=/tmp inet_protocols=ipv4 alias_maps= alias_database= \
        smtp_dns_support_level=disabled smtp_host_lookup=native
done
postconf -c a/conf -e myhostname=client.example.net mydestination=client.example.net 'relayhost=[192.0.2.25]' \
    smtp_tls_security_level=none
postconf -c b/conf -e myhostname=mx.example.org mydestination=example.org local_recipient_maps= mynetworks=127.0.0.0/8 \
    local_transport=filter enable_long_queue_ids=yes smtpd_tls_security_level=may smtpd_tls_loglevel=1 \
    smtpd_tls_cert_file=$base/cert.pem smtpd_tls_key_file=$base/key.pem
postconf -c b/conf -M "filter/unix=filter unix - n n - 1 pipe flags=Rq user=nobody argv=$base/filter"

for side in a b; do ip netns exec mail-$side postfix -c $base/$side/conf start; done
ip netns exec mail-a tcpdump -U -i maila0 -w postfix.pcap -Z root tcp port 25 2> /dev/null &
tcpdump=$!
sleep 2
send() {
    printf 'From: me@client.example.net\nTo: %s\nSubject: hello\n\nhello\n' "$1" |
        ip netns exec mail-a sendmail -C $base/a/conf -f me@client.example.net "$1"
}
send you@example.org && sleep 3
send nobody@elsewhere.example && sleep 3
postconf -c a/conf -e smtp_tls_security_level=encrypt smtp_tls_loglevel=1
ip netns exec mail-a postfix -c $base/a/conf reload && sleep 2
send secret@example.org && sleep 12
for side in a b; do ip netns exec mail-$side postfix -c $base/$side/conf stop; done
kill $tcpdump && sleep 1
cp postfix.pcap "$here/postfix.pcap"
grep -v postfix/master a/mail.log > "$here/postfix-sender.log"
grep -v postfix/master b/mail.log > "$here/postfix-receiver.log"
