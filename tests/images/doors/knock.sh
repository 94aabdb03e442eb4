#!/bin/bash
# Knocks at every door as one person: knock.sh NAME PASSWORD ADDRESS. Prints for
# each a line "DOOR|STATUS|WORDS": 0 and the uid that `id -u` printed inside, or
# how it failed. ADDRESS is one of 127/8, the person's own: dropbear counts by it.
name=$1 password=$2 address=$3
opened=$(mktemp -d)

knock() { # DOOR COMMAND…
  local door=$1 said status=0
  shift
  said=$("$@" 2>&1 </dev/null) || status=$?
  printf '%s|%s|%s\n' "$door" "$status" "${said//$'\n'/ }" >"$(mktemp -p "$opened")"
}

ssh_with() { # PORT OPTION…
  local port=$1
  shift
  timeout 300 ssh -b "$address" -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o LogLevel=ERROR "$@" "$name@127.0.0.1" id -u
}

with_key() { ssh_with "$2" -i "/root/$1" -o IdentitiesOnly=yes -o BatchMode=yes; }

with_password() {
  SSH_ASKPASS=/root/askpass SSH_ASKPASS_REQUIRE=force PASSWORD=$password \
    ssh_with "$1" -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1
}

# Whoever needs the password to become somebody else.
as_bob() { printf '%s\n' "$password" | setpriv --reuid bob --regid bob --init-groups "$@"; }

ask_pam() { printf '%s\n' "$password" | pamtester "$1" "$name" authenticate acct_mgmt && id -u "$name"; }

minutes() { if [ -e "/ticks/$1-$2" ]; then wc -l <"/ticks/$1-$2"; else echo 0; fi; }

# Whether a job of the person starts while several of bob's do. One that starts at
# the same moment may end a little later.
job() { # DAEMON MINUTES
  local mine bobs
  mine=$(minutes "$1" "$name") bobs=$(minutes "$1" bob)
  until [ "$(minutes "$1" bob)" -ge $((bobs + $2)) ]; do sleep 0.1; done
  for _ in $(seq 50); do
    if [ "$(minutes "$1" "$name")" -gt "$mine" ]; then
      tail -n 1 "/ticks/$1-$name"
      return
    fi
    sleep 0.1
  done
  return 1
}

# A few at a time: all at once is a load that sshd takes for an attack.
{
  knock 'ssh, password, UsePAM yes' with_password 2201
  knock 'ssh, password, UsePAM no' with_password 2202
  knock 'ssh, key in the record, UsePAM yes' with_key of-record 2201
  knock 'ssh, key in the record, UsePAM no' with_key of-record 2202
  knock 'ssh, key in the home, UsePAM yes' with_key of-home 2201
  knock 'ssh, key in the home, UsePAM no' with_key of-home 2202
  knock 'dropbear, password' with_password 2203
  knock 'dropbear, key in the home' with_key of-home 2203
} &
{
  knock 'su' as_bob su "$name" -c 'id -u'
  knock 'su of busybox' as_bob /opt/busybox su "$name" -c 'id -u'
  knock 'PAM service occ' ask_pam occ
  knock 'su by root' su "$name" -c 'id -u'
  knock 'su of busybox by root' /opt/busybox su "$name" -c 'id -u'
  knock 'su -s of busybox by root' /opt/busybox su -s /bin/sh "$name" -c 'id -u'
  knock 'runuser -u by root' runuser -u "$name" -- id -u
  knock 'setpriv by root' setpriv --reuid "$name" --clear-groups id -u
} &
knock 'cron job' job cron 3 &
knock 'cron job of busybox' job crond 1 &
wait
cat "$opened"/*
