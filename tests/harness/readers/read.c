/* What a libc reads of one account: read NAME, with passwords on stdin, one a
 * line. Prints its lines of passwd, shadow and group, never the hash, and for
 * each password whether crypt(3) finds it right. With --wait it stays until it is
 * killed: a program for an image without any. */
#define _GNU_SOURCE
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Debian's headers of musl lack it. */
char *crypt(const char *, const char *);

static void passwords(const char *hash) {
  char line[512];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    const char *again = hash ? crypt(line, hash) : NULL;
    puts(again && !strcmp(again, hash) ? "right" : "wrong");
  }
}

static int account(const char *name) {
  struct passwd *user = getpwnam(name);
  if (user)
    printf("passwd %s:%s:%u:%u:%s:%s:%s\n", user->pw_name, user->pw_passwd, user->pw_uid,
           user->pw_gid, user->pw_gecos, user->pw_dir, user->pw_shell);
  struct group *group = getgrnam(name);
  if (group) printf("group %s:%u\n", group->gr_name, group->gr_gid);
  struct spwd *secret = getspnam(name);
  if (secret)
    printf("shadow %s expires %ld%s\n", secret->sp_namp, secret->sp_expire,
           secret->sp_pwdp[0] == '!' ? " locked" : "");
  passwords(secret ? secret->sp_pwdp : NULL);
  return ferror(stdout) || fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "--wait"))
    for (;;) pause();
  if (argc == 2) return account(argv[1]);
  fputs("usage: read NAME | --wait\n", stderr);
  return 2;
}
