package org.crosswind.app.fields

import android.text.Editable
import android.text.InputType
import android.text.TextWatcher
import android.view.ViewGroup
import android.widget.EditText
import android.widget.TextView
import org.crosswind.app.R
import org.crosswind.app.model.Dtype
import org.crosswind.app.model.Field
import org.crosswind.app.model.Widget
import org.crosswind.app.model.decimal

/** A number, with its unit and range below, or any text. */
class TextRow(field: Field, parent: ViewGroup) : FieldRow(field, parent, R.layout.field_text) {
    private val edit = input as EditText

    override val text: String get() = edit.text.toString()

    init {
        edit.inputType = inputType()
        view.findViewById<TextView>(R.id.hint).text = hint()
        edit.addTextChangedListener(
            object : TextWatcher {
                override fun beforeTextChanged(text: CharSequence, start: Int, count: Int, after: Int) = Unit

                override fun onTextChanged(text: CharSequence, start: Int, before: Int, count: Int) = Unit

                override fun afterTextChanged(text: Editable) = changed()
            },
        )
    }

    override fun put(text: String) = edit.setText(text)

    override fun refuse(message: String) {
        super.refuse(message)
        edit.error = message
    }

    private fun inputType(): Int {
        if (field.widget == Widget.TEXT) return InputType.TYPE_CLASS_TEXT
        val decimal = if (field.feature.dtype == Dtype.INT64) 0 else InputType.TYPE_NUMBER_FLAG_DECIMAL
        val signed = if ((field.minimum ?: -1.0) < 0) InputType.TYPE_NUMBER_FLAG_SIGNED else 0
        return InputType.TYPE_CLASS_NUMBER or decimal or signed
    }

    private fun hint(): String {
        val percent = field.widget == Widget.PERCENT
        val unit = field.feature.unit.let { if (percent) context.getString(R.string.percent_unit, it).trim() else it }
        val ends = listOfNotNull(field.minimum, field.maximum).map(::decimal)
        val range = if (ends.size == 2) context.getString(R.string.hint_range, ends[0], ends[1]) else ""
        val note = when {
            field.feature.optional -> context.getString(R.string.hint_optional)
            field.isTypical -> context.getString(R.string.hint_typical)
            else -> ""
        }
        return listOf(listOf(unit, range).given(", "), note).given("; ")
    }

    private fun List<String>.given(separator: String): String = filter { it.isNotEmpty() }.joinToString(separator)
}
