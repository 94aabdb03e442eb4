use super::EtcFiles;
use super::lock::EtcLock;
use accounts::files::File;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const ACL: &str = "system.posix_acl_access";

/// acl(5) as the kernel takes it: rw for the owner and for uid 1000, r for
/// the group, nothing for others; the mask leaves uid 1000 what it says.
fn acl(mask: u16) -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let entries = [
        (0x01_u16, 6_u16, NOBODY),
        (0x02, 6, 1000),
        (0x04, 4, NOBODY),
        (0x10, mask, NOBODY),
        (0x20, 0, NOBODY),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permission, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permission.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

fn value(path: &Path, name: &str) -> Vec<u8> {
    xattr::get(path, name).unwrap().unwrap()
}

#[test]
fn replaced_file_keeps_its_attributes_but_no_write_permission_of_others() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let path = |file: File| root.path().join("etc").join(file.name());
    let long = vec![b'x'; 2000];
    for file in [File::Passwd, File::Shadow] {
        fs::write(path(file), "old\n").unwrap();
        xattr::set(path(file), "trusted.label", b"one").unwrap();
        xattr::set(path(file), "security.long", &long).unwrap();
        xattr::set(path(file), "trusted.empty", b"").unwrap();
        xattr::set(path(file), ACL, &acl(6)).unwrap();
    }
    let inode = fs::metadata(path(File::Passwd)).unwrap().ino();
    let etc = EtcFiles::open(root.path()).unwrap();
    let lock = EtcLock::missing(&etc.directory).unwrap();
    let writes = [File::Shadow, File::Passwd].map(|file| (file, b"new\n".to_vec()));
    let read = etc.read().unwrap();
    let new = EtcFiles::stage(&lock, &read, &writes).unwrap();
    let written = etc.commit(&lock, &read, new, false).unwrap();
    assert_eq!(written.unwrap().len(), 2);
    assert_ne!(fs::metadata(path(File::Passwd)).unwrap().ino(), inode);
    for file in [File::Passwd, File::Shadow] {
        assert_eq!(value(&path(file), "trusted.label"), b"one");
        assert_eq!(value(&path(file), "security.long"), long);
        assert_eq!(value(&path(file), "trusted.empty"), b"");
        assert_eq!(value(&path(file), ACL), acl(4), "the mask takes w away");
        assert_eq!(fs::metadata(path(file)).unwrap().mode() & 0o7777, 0o640);
    }
}
