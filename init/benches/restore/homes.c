/* The floor of "fresh homes": makes the same directories and files as occ-init, in the
 * plainest way. Usage: homes HOME SKEL COUNT */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct file { char name[256], bytes[64 * 1024]; ssize_t size; mode_t mode; };
static struct file files[16];

static int read_skel(const char *path) {
    int count = 0, fd = open(path, O_RDONLY | O_DIRECTORY);
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    struct stat state;
    while (dir && (entry = readdir(dir)) && count < 16) {
        if (entry->d_type != DT_REG) continue;
        struct file *file = &files[count++];
        int in = openat(fd, entry->d_name, O_RDONLY);
        snprintf(file->name, sizeof file->name, "%s", entry->d_name);
        file->size = read(in, file->bytes, sizeof file->bytes);
        if (fstat(in, &state) || file->size < 0) err(1, "%s", entry->d_name);
        file->mode = state.st_mode & 07777;
        close(in);
    }
    return count;
}

int main(int argc, char **argv) {
    if (argc != 4 || chdir(argv[1])) err(1, "usage: homes HOME SKEL COUNT");
    int count = read_skel(argv[2]);
    umask(0);
    for (unsigned number = 0; number < (unsigned)atoi(argv[3]); number++) {
        char name[16];
        unsigned uid = 10000 + number;
        snprintf(name, sizeof name, "p%07u", number);
        if (mkdir(name, 0700)) err(1, "%s", name);
        int home = open(name, O_RDONLY | O_DIRECTORY);
        for (struct file *file = files; file < files + count; file++) {
            int out = openat(home, file->name, O_WRONLY | O_CREAT | O_EXCL, file->mode);
            if (write(out, file->bytes, file->size) != file->size || fchown(out, uid, uid))
                err(1, "%s", file->name);
            close(out);
        }
        if (fchown(home, uid, uid)) err(1, "%s", name);
        close(home);
    }
}
