module shop/stock

go 1.24

require orama/sdk-go v0.0.0

replace orama/sdk-go => ../../../../sdk/go
