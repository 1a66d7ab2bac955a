module orama/sdk-go

go 1.24
