### 通知。只写病例号和协议号，从不写患者。

notices-title = 通知
notices-read-all = 全部标为已读
notices-all-read = 所有通知已标为已读。
notices-none = 目前没有需要您处理的事项
notices-none-more = 需要您处理的病例、答复和协议会在这里通知。
notices-home = 返回我的工作
notices-urgent = 紧急
notices-new = 新

notice-case-sent = 有病例送到贵院
notice-case-more-asked = 对方需要更多资料
notice-case-more-supplied = 您要求的资料已补充
notice-case-accepted = 您的病例已被接收
notice-case-declined = 您的病例被谢绝
notice-case-allocated = 有病例分配给您
notice-case-co-sign = 有会诊意见等待您会签
notice-case-returned = 您的会诊意见在会签前被退回
notice-case-answered = 您的病例已有答复
notice-case-addendum = 已签署补充意见
notice-case-asked-again = 您答复过的病例有进一步的问题
notice-case-outcome = 您答复过的病例已有结果
notice-case-cancelled = 病例已取消
notice-case-suspended = 病例已中断，目前由贵院独自负责该患者
notice-case-resumed = 病例恢复进行
notice-case-moved = 病例转入另一份协议
notice-case-message = 病例中有新消息
notice-alarm-not-accepted = 此病例尚无人接收
notice-alarm-not-answered = 此病例尚未答复，时限将到
notice-alarm-unread = 答复尚未打开
notice-alarm-not-supplied = 所要求的资料尚未补充
notice-alarm-left-alone = 遗留事项尚无人处理
notice-alarm-outcome-due = 结果如何？
