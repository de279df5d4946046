"""End-to-end tests of site-control: the executable, ansible-playbook, SSH and nodes, all of them real."""
