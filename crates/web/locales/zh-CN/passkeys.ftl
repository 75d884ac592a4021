### Passkeys.

sign-in-passkey = 使用通行密钥
sign-in-passkey-text = 由您的手机、电脑或安全密钥确认身份，无需密码和验证码。
sign-in-passkey-go = 使用通行密钥
passkey-instead = 改用通行密钥
passkey-instead-of-code = 改用通行密钥代替验证码
passkey-failed = 未得到通行密钥。请重试，或使用另一种方式。
problem-passkey-wrong = 此通行密钥未被接受。请重试，或使用另一种方式。
rejected-no-passkeys = 本节点的地址不支持通行密钥：须使用域名，而不是数字地址。
profile-factor-passkey = 由通行密钥代替
passkeys-title = 通行密钥
passkeys-none = 通行密钥通过手机、电脑或安全密钥的解锁方式登录，并可用于签署文件，无需输入验证码。
passkeys-new = 新建通行密钥
passkeys-lead = 您的设备生成一把不会离开设备的密钥，每次使用前核对指纹、面容或 PIN，相当于两种验证方式。
passkeys-name = 通行密钥的名称
passkeys-name-hint = 便于在列表中辨认，如“手机”或“蓝色密钥”。
passkeys-make = 生成通行密钥
passkeys-script = 此步骤需要运行本页的脚本，而您的浏览器未运行。
passkeys-added = 已添加通行密钥
passkeys-remove = 移除此通行密钥
passkeys-remove-lead = 此后它不能再用于登录。请同时在设备上删除。
passkeys-removed = 通行密钥已移除
passkeys-suspect = 已停用
passkeys-suspect-lead = 它的应答次序不对，似乎有人持有副本，因此已停用。请移除并另建一把，同时告知管理员。
factor-passkey = 改为生成通行密钥：无需输入验证码
