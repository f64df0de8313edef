package store

// probeSize is as much as a bundle may have, in bytes.
const probeSize = 1 << 20

// Probe finds out whether a Put can work: it writes a file of the size of a large bundle
// and removes it. It does not create the store: where that is missing, the file is in the
// nearest directory above. The error is like that of a Put.
func (d *Directory) Probe() error {
	dir, err := d.dir.OpenNearest()
	if err == nil {
		defer dir.Close()
		err = d.files.Probe(dir, probeSize)
	}
	if err != nil {
		return d.failed("writing a file", err)
	}
	return nil
}
