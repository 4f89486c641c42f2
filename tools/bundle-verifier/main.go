// Judges a chain of certificates with Go's own verifier, which the control plane of the mesh is built on.
//
//	bundle-verifier ANCHORS CHAIN
//
// CHAIN begins with the certificate that is judged; the others may help it to an anchor. Ends with 0 when there is
// a way, with 1 and the reason when there is none, with 2 when it was called in a wrong way.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bundle-verifier ANCHORS CHAIN")
		os.Exit(2)
	}
	if err := judge(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("verified")
}

func judge(anchorsFile, chainFile string) error {
	anchors, err := certificates(anchorsFile)
	if err != nil {
		return err
	}
	chain, err := certificates(chainFile)
	if err != nil {
		return err
	}
	options := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, anchor := range anchors {
		options.Roots.AddCert(anchor)
	}
	for _, certificate := range chain[1:] {
		options.Intermediates.AddCert(certificate)
	}
	_, err = chain[0].Verify(options)
	return err
}

func certificates(file string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		found = append(found, certificate)
	}
	if len(found) == 0 {
		return nil, errors.New(file + ": no certificate")
	}
	return found, nil
}
