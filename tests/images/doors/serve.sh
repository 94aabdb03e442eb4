#!/bin/bash
# Opens every door of tests/doors.rs in its container: two sshd, dropbear, and
# two cron daemons. As root; what it starts goes on.
set -eu
mkdir -p /run/sshd /etc/dropbear /bbcron
# "UsePAM yes" is Debian's own way, "no" that of other distributions.
for pam in yes no; do
  port=$([ $pam = yes ] && echo 2201 || echo 2202)
  cat >"/etc/ssh/doors-$pam" <<CONF
Port $port
ListenAddress 127.0.0.1
UsePAM $pam
PasswordAuthentication yes
AuthorizedKeysCommand /usr/local/bin/occ-init user keys %u
AuthorizedKeysCommandUser root
MaxStartups 200
PidFile /run/doors-$pam.pid
CONF
  /usr/sbin/sshd -f "/etc/ssh/doors-$pam" -E "/run/doors-$pam.log"
done
dropbear -R -p 127.0.0.1:2203
# A minute of Debian's cron is a second; the other one is static, so nothing
# comes between it and the clock.
faketime -f '+0d x60' cron -f >/run/cron.log 2>&1 &
busybox crond -f -c /bbcron >/run/crond.log 2>&1 &
