module gobpeer

go 1.22
