//! Twenty people of an older store move from Debian to an image with busybox
//! alone, and back.

use crate::harness::{Container, Volumes, docker, images};

/// opencode-cloud's records on fresh volumes. Every other person has a home,
/// each with a uid of its own.
const OLDER: &str = r#"
umask 022
for i in $(seq 1 20); do
  name=person$i
  hash=$(perl -e 'print crypt("of $ARGV[0]", "\$6\$salt$ARGV[0]")' $name)
  printf '{"username":"%s","password_hash":"%s","locked":false}\n' $name "$hash" > /v/$name.json
  if [ $((i % 2)) = 1 ]; then
    mkdir /h/$name
    echo mine > /h/$name/file
    chown -R $((2000 + 7 * i)):$((2000 + 7 * i)) /h/$name
    chmod 700 /h/$name
  fi
done
"#;

/// A login of everybody with their own password, from an account that may become
/// nobody without it. By path: busybox's shell takes its own su for any other,
/// and that one is not setuid.
const LOGINS: &str = r#"
for i in $(seq 1 20); do
  uid=$(echo "of person$i" | /bin/su person$i -c 'id -u' | tail -n 1)
  echo "person$i $uid"
done
if echo 'of person1' | /bin/su person2 -c true >/dev/null; then echo "another's password is good enough"; fi
"#;

/// Names and uids in passwd, and the owners of homes.
const OWNERS: &str = r"
awk -F: '$3 >= 1000 && $3 < 60000 { print $1, $3, $4, $6 }' /etc/passwd | sort
cd /home && stat -c '%n %u %g %a' * */file
";

/// Owners and logins of all people: the same in every image.
#[track_caller]
fn people(container: &Container) -> String {
    let owners = container.sh(OWNERS);
    let logins = container.exec_as("nobody", ["sh", "-c", LOGINS]).ok();
    let logged_in: Vec<&str> = logins.text().lines().collect();
    for line in owners.lines().filter(|line| line.contains(" /home/")) {
        let name_and_uid = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let is_in = logged_in.contains(&name_and_uid.as_str());
        assert!(is_in, "not logged in: {name_and_uid}: {logins:#?}");
    }
    format!("{owners}\n{}", logins.text())
}

#[test]
fn people_of_an_older_store_keep_uids_homes_and_passwords_in_any_image() {
    let volumes = Volumes::new("twenty");
    let users = volumes.users().replace(":/var/lib/opencode-users", ":/v");
    let homes = volumes.homes().replace(":/home", ":/h");
    docker(["run", "--rm", "--volume", &users, "--volume", &homes])
        .args(["--entrypoint", "sh", images::debian(), "-ec", OLDER])
        .ok();
    let debian = people(&volumes.start(images::debian()));
    assert_eq!(debian.matches(" /home/").count(), 20, "{debian}");
    assert!(debian.contains("person3 2021 2021 /home/person3\n"));
    assert!(debian.contains("person3/file 2021 2021 644\n"));
    assert!(!debian.contains("good enough"), "{debian}");
    let busybox = people(&volumes.start(images::busybox()));
    assert_eq!(busybox, debian);
    assert_eq!(people(&volumes.start(images::debian())), debian);
}
